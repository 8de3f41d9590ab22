// Puts editors into nodes of the official front end, by its public interface.

import { feeding, pictureAfter } from "./_graph.js";

/** The last job of this page with its graph, whether one is on its way, and what the server says about classes. */
const jobs = { last: null, busy: false, again: false, writing: false, classes: {}, listening: false };
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

function attach(app, api, node, found) {
  const editor = found.make(host(app, api, node));
  const widget = node.addDOMWidget("canvas", "SPLATGRAPH_CANVAS", editor.element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => 380,
  });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], 400), Math.max(node.size[1], 620)]);
  editors.add(editor);
  const removed = node.onRemoved;
  node.onRemoved = function (...given) {
    editors.delete(editor);
    return removed?.apply(this, given);
  };
  for (const input of found.inputs) {
    const widget = node.widgets?.find(({ name }) => name === input);
    if (!widget) continue;
    const callback = widget.callback;
    widget.callback = function (...given) {
      const result = callback?.apply(this, given);
      if (!jobs.writing) editor.refresh();
      return result;
    };
  }
  // A saved graph sets its values after this.
  const configured = node.onConfigure;
  node.onConfigure = function (...given) {
    const result = configured?.apply(this, given);
    queueMicrotask(() => editor.refresh());
    return result;
  };
}

function host(app, api, node) {
  const widget = (input) => node.widgets?.find(({ name }) => name === input);
  const address = (picture) => picture && api.apiURL(`${path(picture)}?as=png&job=${jobs.last.id}`);
  const path = ({ node, output }) =>
    `/values/${[jobs.last.id, node, output].map(encodeURIComponent).join("/")}`;
  const value = async (output) => {
    const answer = output && (await api.fetchApi(path(output)));
    return answer?.ok ? answer.json() : null;
  };
  const id = () => Object.keys(jobs.last?.graph ?? {}).find((id) => id === String(node.id) || id.endsWith(`:${node.id}`));
  const search = (find) => (jobs.last && id() !== undefined ? find(jobs.last.graph, jobs.classes, id()) : null);
  return {
    read(input) {
      const given = widget(input)?.value;
      if (typeof given !== "string") return given ?? null;
      try {
        return JSON.parse(given);
      } catch {
        return null;
      }
    },
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
    ran: (input) => jobs.last?.graph[id()]?.inputs[input] ?? null,
    source: (input) => value(search((graph, classes, at) => feeding(graph, classes, at, input))),
    output: (name) => value(id() === undefined ? null : { node: id(), output: name }),
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
    if ((await app.queuePrompt(0, 1)) === false) ended(app);
  } catch {
    ended(app);
  }
}

function ended(app) {
  jobs.busy = false;
  if (jobs.again) run(app);
}

function listen(app, api) {
  if (jobs.listening) return;
  jobs.listening = true;
  api.addEventListener("execution_success", async ({ detail }) => {
    // The graph of the page may have changed since.
    const told = await (await api.fetchApi(`/history/${encodeURIComponent(detail.prompt_id)}`)).json();
    const graph = told[detail.prompt_id]?.prompt[2] ?? {};
    const wanted = [...new Set(Object.values(graph).map((node) => node.class_type))].filter((name) => !jobs.classes[name]);
    const about = async (name) => Object.assign(jobs.classes, await (await api.fetchApi(`/object_info/${encodeURIComponent(name)}`)).json());
    await Promise.all(wanted.map(about));
    jobs.last = { id: detail.prompt_id, graph };
    // The server forgets the results when the next job begins.
    await Promise.allSettled([...editors].map((editor) => editor.refresh()));
    ended(app);
  });
  for (const name of ["execution_error", "execution_interrupted"]) api.addEventListener(name, () => ended(app));
}
