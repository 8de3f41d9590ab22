// The page /lite: gallery, form and editors.

import { makeHost } from "./editors.js";
import { clearProblems, showFailure, showForm, texts, values } from "./form.js";
import { cancel, client, connect, follow, forget, isBusy, orderBy } from "./jobs.js";
import { $, ask, el } from "./page.js";

const about = await ask("/api/lite").catch((error) => ({ graphs: [], extensions: [], failed: error.message }));
let open = null;
let again = false;
/** Whether a job is being sent, or its results are being fetched. */
let isWaiting = false;

const save = () => open && (localStorage[`graph ${open.name}`] = JSON.stringify({ texts: texts(), sets: open.sets }));

function showGallery() {
  const wanted = $("search").value.toLowerCase();
  const found = about.graphs.filter((graph) => `${graph.name} ${graph.title} ${graph.description}`.toLowerCase().includes(wanted));
  const card = ({ name, title, description, picture }) =>
    el("li", {},
      el("a", { href: `#${encodeURIComponent(name)}` }, picture && el("img", { src: picture, alt: "", loading: "lazy" }),
        el("b", {}, title || name), el("span", { className: "soft" }, (description ?? "").split(". ")[0])),
    );
  $("graphs").replaceChildren(...found.map(card));
  if (!found.length) $("graphs").append(el("li", {}, about.failed ?? (about.graphs.length ? "None found" : "No graphs; give some: splatgraph serve --graphs FOLDER")));
}

/** Shows the graph that the address names, or the gallery. */
async function showPage(focus = true) {
  const name = decodeURIComponent(location.hash.slice(1));
  const graph = about.graphs.find((graph) => graph.name === name);
  $("gallery").hidden = Boolean(graph);
  $("graph").hidden = !graph;
  document.title = graph ? `${graph.title || name} · Splatgraph` : "Splatgraph";
  open = null;
  $("editors").replaceChildren();
  if (!graph) return;
  const kept = JSON.parse(localStorage[`graph ${name}`] ?? "{}");
  open = { name, sets: kept.sets ?? {}, editors: [], nodes: {}, classes: {}, job: null };
  $("title").textContent = graph.title || name;
  $("description").textContent = graph.description ?? "";
  forget(name);
  showForm(graph, kept.texts ?? {});
  if (focus) $("title").focus();
  await addEditors(open);
}

/** Adds the editors that packs have for nodes of the graph. */
async function addEditors(graph) {
  const modules = await Promise.allSettled(about.extensions.map((address) => import(address)));
  const widgets = modules.flatMap(({ value }) => value?.widgets ?? []);
  const [{ nodes }, classes] = await Promise.all([ask(`/api/graphs/${encodeURIComponent(graph.name)}`), ask("/api/object_info")]);
  if (open !== graph) return;
  Object.assign(graph, { nodes, classes });
  orderBy(Object.keys(nodes));
  for (const [id, node] of Object.entries(nodes)) {
    const widget = widgets.find((widget) => widget.class === node.class_type);
    if (!widget) continue;
    const editor = await widget.make(makeHost(graph, id, edited));
    if (open !== graph) return;
    graph.editors.push(editor);
    $("editors").append(el("h3", {}, `${editor.label}: ${id}`), el("div", { className: "editor" }, editor.element));
  }
}

function edited() {
  save();
  if ($("auto").checked) run();
}

/** Runs the graph, or later if a job is on its way. */
async function run() {
  if (!open) return;
  if (isBusy() || isWaiting) {
    again = true;
    return;
  }
  again = false;
  const inputs = values();
  if (!inputs) return;
  save();
  const { name, sets, nodes } = open;
  // The job has the values as they are now.
  const ran = structuredClone({ sets, nodes });
  isWaiting = true;
  try {
    const { prompt_id } = await ask("/api/run", { graph: name, inputs, sets, client_id: client, extra_data: { preview_method: "auto" } });
    isWaiting = false;
    if (open) open.ran = { id: prompt_id, ...ran, inputs };
    follow(prompt_id, name);
  } catch (failure) {
    isWaiting = false;
    showFailure(failure);
    $("state").textContent = "Not run; see the form";
    if (again) run();
  }
}

/** Shows editors the results of a job, before the next one takes them away. */
async function ended(job, succeeded) {
  if (open && succeeded && job.graph === open.name) {
    open.job = { id: job.id, ran: open.ran?.id === job.id ? open.ran : null };
    isWaiting = true;
    await Promise.allSettled(open.editors.map((editor) => editor.refresh()));
    isWaiting = false;
  }
  if (again) run();
}

$("search").oninput = showGallery;
$("form").onsubmit = (event) => {
  event.preventDefault();
  run();
};
$("form").oninput = () => {
  clearProblems();
  save();
  for (const editor of open?.editors ?? []) editor.refresh();
};
$("cancel").onclick = () => {
  again = false;
  cancel();
};
$("auto").checked = localStorage.auto !== "no";
$("auto").onchange = () => (localStorage.auto = $("auto").checked ? "yes" : "no");
addEventListener("hashchange", () => showPage());
showGallery();
await showPage(false);
connect({ ended, preview: (...shown) => open?.editors.filter((editor) => editor.preview?.(...shown)).length });
