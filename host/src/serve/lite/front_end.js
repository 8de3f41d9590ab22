// Puts editors into nodes of the official front end, by its public interface.

import { feeding, pathOf, pictureAfter } from "./graph.js";
import { runPart } from "./part.js";

/** Runs that take no longer, in milliseconds, need no progress from the front end. */
const QUICK = 1000;
/** After so many milliseconds without an edit, the rest of the graph runs. */
const PAUSE = 500;

/**
 * The last job of this page with its graph, whether one is on its way, whose edit waits for its end, how long the last one took in
 * milliseconds, and what the server says about classes.
 */
const jobs = { last: null, busy: false, again: null, sent: null, began: 0, took: Infinity, rest: 0, writing: false, classes: {}, listening: false };
const editors = new Set();

/** Registers an extension that shows `widgets` in the nodes of their classes. */
export function register(app, api, name, widgets) {
  listen(app, api);
  app.registerExtension({
    name,
    nodeCreated(node) {
      const found = widgets.find((widget) => widget.class === node.comfyClass);
      if (found && typeof node.addDOMWidget === "function") attach(app, api, node, found);
    },
  });
}

async function attach(app, api, node, found) {
  const place = document.createElement("div");
  place.style.height = "100%";
  const widget = node.addDOMWidget("canvas", "SPLATGRAPH_CANVAS", place, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => 520,
  });
  widget.serialize = false;
  const enlarge = () => node.setSize([Math.max(node.size[0], 400), Math.max(node.size[1], 700)]);
  enlarge();
  const editor = await found.make(host(app, api, node));
  place.append(editor.element);
  // The front end leaves undo to elements that take text, which have their own. This one takes none.
  const { canvas } = editor.surface;
  canvas.contentEditable = "true";
  canvas.style.caretColor = "transparent";
  canvas.addEventListener("beforeinput", (event) => event.preventDefault());
  editors.add(editor);
  after(node, "onRemoved", () => editors.delete(editor));
  // A saved graph sets its values after the node is made.
  const configured = () => {
    enlarge();
    editor.refresh();
  };
  after(node, "onConfigure", () => setTimeout(configured));
  for (const widget of node.widgets.filter(({ name }) => found.inputs.includes(name))) {
    after(widget, "callback", () => jobs.writing || editor.refresh());
  }
  setTimeout(configured);
}

/** Calls `then` after the method `name`. */
function after(object, name, then) {
  const before = object[name];
  object[name] = function (...given) {
    const result = before?.apply(this, given);
    then();
    return result;
  };
}

/** The value of a widget, which has JSON as text. */
function parsed(value) {
  if (typeof value !== "string") return value ?? null;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}

function host(app, api, node) {
  const widget = (input) => node.widgets?.find(({ name }) => name === input);
  const address = (picture) => picture && api.apiURL(`${path(picture)}?as=png`);
  const path = ({ node, output }) => pathOf(jobs.last.id, node, output);
  const value = async (output, fields = "") => {
    const answer = output && (await api.fetchApi(`${path(output)}?fields=${fields}`));
    return answer?.ok ? answer.json() : null;
  };
  const isOwn = (id) => id === String(node.id) || id.endsWith(`:${node.id}`);
  const idIn = (graph) => Object.keys(graph ?? {}).find(isOwn);
  const id = () => idIn(jobs.last?.graph);
  const search = (find) => (jobs.last && id() !== undefined ? find(jobs.last.graph, jobs.classes, id()) : null);
  const made = {
    read: (input) => parsed(widget(input)?.value),
    write(values) {
      jobs.writing = true;
      for (const [input, value] of Object.entries(values)) {
        const target = widget(input);
        if (!target) continue;
        target.value = typeof value === "object" ? JSON.stringify(value) : value;
        target.callback?.(target.value);
      }
      jobs.writing = false;
      run(app, api, made);
    },
    ran: (input) => parsed(jobs.last?.graph[id()]?.inputs[input]),
    source: (input, fields) => value(search((graph, classes, at) => feeding(graph, classes, at, input)), fields),
    output: (name, fields) => value(id() === undefined ? null : { node: id(), output: name }, fields),
    pictureAfter: async () => address((made.after = search(pictureAfter))),
    /** The node of the picture that the editor shows, in a graph; undefined if it shows none. */
    follow(graph) {
      if (made.after !== undefined) made.after = pictureAfter(graph, jobs.classes, idIn(graph));
      return made.after?.node;
    },
    picture: async (input) => address(search((graph, classes, at) => feeding(graph, classes, at, input))),
  };
  return made;
}

/**
 * Runs the graph after an edit: first as far as the picture that the editor shows, and the rest when no other edit follows. If that
 * takes long, the front end runs all of it, and shows the progress. While a job is on its way, only the newest edit is kept.
 */
async function run(app, api, host) {
  clearTimeout(jobs.rest);
  if (jobs.busy) {
    jobs.again = host;
    return;
  }
  jobs.busy = true;
  jobs.again = null;
  jobs.began = performance.now();
  const ran = await runShown(app, api, host).catch(() => false);
  if (ran) ended(app, api);
  else await runAll(app, api);
}

/** Runs the graph as far as the picture that the editor shows. Returns false if it is for the front end, which shows progress and errors. */
async function runShown(app, api, host) {
  const graph = (await app.graphToPrompt()).output;
  await learn(api, graph);
  const target = host.follow(graph);
  if (target === undefined || jobs.took > QUICK) return false;
  const id = await runPart(api, graph, target, ({ prompt_id: job, node_id: node, output }, picture) =>
    showPreview(node, picture, output && api.apiURL(`${pathOf(job, node, output)}?as=png`)),
  );
  if (id !== null) {
    await showLast(id, graph);
    jobs.rest = setTimeout(() => runAll(app, api), PAUSE);
  }
  return true;
}

/** Lets the front end run the graph. */
async function runAll(app, api) {
  jobs.busy = true;
  jobs.began = performance.now();
  try {
    jobs.sent = (await app.graphToPrompt()).output;
    if ((await app.queuePrompt(0, 1)) === false) throw new Error("refused");
  } catch {
    jobs.sent = null;
    ended(app, api);
  }
}

function ended(app, api) {
  jobs.busy = false;
  jobs.took = performance.now() - jobs.began;
  if (jobs.again) run(app, api, jobs.again);
}

/** `address` is where the picture stays if it is a result. */
function showPreview(node, picture, address) {
  for (const editor of editors) editor.preview?.(node, picture, address);
}

/** Shows the results of a job. The server forgets them when the next job begins. */
async function showLast(id, graph) {
  jobs.last = { id, graph };
  await Promise.allSettled([...editors].map((editor) => editor.refresh()));
}

/** Asks about the classes of a graph. */
async function learn(api, graph) {
  const used = new Set(Object.values(graph).map((node) => node.class_type));
  const about = async (name) => {
    const answer = await api.fetchApi(`/object_info/${encodeURIComponent(name)}`);
    Object.assign(jobs.classes, await answer.json());
  };
  await Promise.all([...used].filter((name) => !jobs.classes[name]).map(about));
}

/** The graph of a job that the user began. The graph of the page may have changed since. */
async function graphOf(api, id) {
  const told = await (await api.fetchApi(`/history/${encodeURIComponent(id)}`)).json();
  return told[id]?.prompt[2] ?? {};
}

function listen(app, api) {
  if (jobs.listening) return;
  jobs.listening = true;
  api.addEventListener("execution_success", async ({ detail }) => {
    const { sent } = jobs;
    // An edit that runs in part is newer than a job of the user.
    if (jobs.busy && !sent) return;
    jobs.sent = null;
    const graph = sent ?? (await graphOf(api, detail.prompt_id));
    await learn(api, graph);
    await showLast(detail.prompt_id, graph);
    if (sent) ended(app, api);
  });
  // The server tells the official front end nothing of a job that is taken out of the queue.
  api.addEventListener("status", async ({ detail }) => {
    const { sent } = jobs;
    if (!sent || detail?.exec_info?.queue_remaining !== 0) return;
    // A job that has just been sent may not be in the queue yet.
    await new Promise((then) => setTimeout(then, QUICK));
    const { queue_running, queue_pending } = await (await api.fetchApi("/queue")).json();
    if (jobs.sent !== sent || queue_running.length + queue_pending.length) return;
    jobs.sent = null;
    ended(app, api);
  });
  api.addEventListener("b_preview_with_metadata", ({ detail }) => showPreview(detail.displayNodeId, detail.blob));
  for (const name of ["execution_error", "execution_interrupted"]) {
    api.addEventListener(name, () => {
      if (!jobs.sent) return;
      jobs.sent = null;
      ended(app, api);
    });
  }
}
