// Puts editors into nodes of the official front end, by its public interface.

import { feeding, pictureAfter } from "./graph.js";

/** The last job of this page with its graph, whether one is on its way, and what the server says about classes. */
const jobs = { last: null, busy: false, again: false, sent: null, writing: false, classes: {}, listening: false };
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
  const path = ({ node, output }) =>
    `/values/${[jobs.last.id, node, output].map(encodeURIComponent).join("/")}`;
  const value = async (output, fields = "") => {
    const answer = output && (await api.fetchApi(`${path(output)}?fields=${fields}`));
    return answer?.ok ? answer.json() : null;
  };
  const isOwn = (id) => id === String(node.id) || id.endsWith(`:${node.id}`);
  const id = () => Object.keys(jobs.last?.graph ?? {}).find(isOwn);
  const search = (find) => (jobs.last && id() !== undefined ? find(jobs.last.graph, jobs.classes, id()) : null);
  return {
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
      node.graph?.setDirtyCanvas?.(true, true);
      run(app);
    },
    ran: (input) => parsed(jobs.last?.graph[id()]?.inputs[input]),
    source: (input, fields) => value(search((graph, classes, at) => feeding(graph, classes, at, input)), fields),
    output: (name, fields) => value(id() === undefined ? null : { node: id(), output: name }, fields),
    pictureAfter: async () => address(search(pictureAfter)),
    picture: async (input) => address(search((graph, classes, at) => feeding(graph, classes, at, input))),
  };
}

/** Runs the graph. While a job is on its way, only the newest wish is kept. */
async function run(app) {
  if (jobs.busy) {
    jobs.again = true;
    return;
  }
  jobs.busy = true;
  jobs.again = false;
  try {
    jobs.sent = (await app.graphToPrompt()).output;
    if ((await app.queuePrompt(0, 1)) === false) throw new Error("refused");
  } catch {
    jobs.sent = null;
    ended(app);
  }
}

function ended(app) {
  jobs.busy = false;
  if (jobs.again) run(app);
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
    const graph = jobs.sent ?? (await graphOf(api, detail.prompt_id));
    jobs.sent = null;
    const used = new Set(Object.values(graph).map((node) => node.class_type));
    const wanted = [...used].filter((name) => !jobs.classes[name]);
    const about = async (name) => {
      const answer = await api.fetchApi(`/object_info/${encodeURIComponent(name)}`);
      Object.assign(jobs.classes, await answer.json());
    };
    await Promise.all(wanted.map(about));
    jobs.last = { id: detail.prompt_id, graph };
    // The server forgets the results when the next job begins.
    await Promise.allSettled([...editors].map((editor) => editor.refresh()));
    ended(app);
  });
  const failed = () => {
    jobs.sent = null;
    ended(app);
  };
  for (const name of ["execution_error", "execution_interrupted"]) api.addEventListener(name, failed);
}
