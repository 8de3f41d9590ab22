// The jobs of this page: how the newest one goes, its results, and the history.

import { pathOf } from "./graph.js";
import { $, ask, el, fileAddress } from "./page.js";

const kept = sessionStorage;
/** This page's name for itself, which outlives a reload. */
export const client = (kept.client ??= crypto.getRandomValues(new Uint32Array(4)).join("-"));

const ENDED = { execution_success: "Finished", execution_error: "Failed", execution_interrupted: "Cancelled" };
const STATUS = { completed: "Finished", failed: "Failed", cancelled: "Cancelled", in_progress: "Running", pending: "Waiting" };
let job = null;
let rows = new Map();
let page = null;
/** Events of jobs whose ids are not known yet. */
let early = [];

/** Whether a job of this page waits or runs. */
export const isBusy = () => Boolean(job?.busy);

function state(text, kind = "") {
  Object.assign($("state"), { textContent: text, className: kind });
  $("cancel").disabled = !isBusy();
}

function clear(text) {
  rows = new Map();
  $("nodes").replaceChildren();
  state(text);
}

/** Connects to the events. `ended` gets the newest job when it is over, `preview` a picture and tells whether it shows it. */
export function connect(calls) {
  page = calls;
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?clientId=${client}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    $("connection").textContent = "Connected";
    socket.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true, splatgraph: true } }));
    restore();
  };
  socket.onmessage = ({ data }) => (typeof data === "string" ? event(JSON.parse(data)) : showPreview(data));
  socket.onclose = () => {
    $("connection").textContent = "Not connected; trying again…";
    setTimeout(() => connect(calls), 1500);
  };
}

/** Follows a job that begins. */
export function follow(id, graph) {
  job = { id, graph, busy: true, began: performance.now() };
  kept.job = JSON.stringify({ id, graph });
  clear("Waiting…");
  const missed = early.filter(({ data }) => data.prompt_id === id);
  early = [];
  missed.forEach(event);
}

/** The job that this page followed before it was loaded again. */
const remembered = () => JSON.parse(kept.job ?? "null");

/** Asks for the remembered job, as events may have been missed. */
async function restore() {
  const mine = (job ??= remembered());
  showHistory();
  if (!mine) return;
  const told = await ask(`/api/jobs/${mine.id}`).catch(() => null);
  // Its last event, or another job, was quicker.
  if (job !== mine || mine.busy === false) return;
  if (told) {
    mine.busy = told.status === "pending" || told.status === "in_progress";
    state(STATUS[told.status]);
    showOutputs(told.outputs);
    if (!mine.busy) end(told.status === "completed", told.execution_error);
  } else {
    delete kept.job;
    job = null;
    page.ended(mine, false);
  }
}

/** Shows nothing of jobs of other graphs than this one. */
export function forget(graph) {
  if (remembered()?.graph === graph) return;
  job = null;
  delete kept.job;
  clear("Not run yet");
  showOutputs({});
}

export async function cancel() {
  if (!isBusy()) return;
  state("Cancelling…");
  await ask(`/api/jobs/${job.id}/cancel`, {}).catch((error) => state(error.message, "bad"));
}

function row(node) {
  if (!rows.has(node)) {
    const made = { bar: el("progress", { max: 1, "aria-label": node }), note: el("span", { className: "soft" }) };
    $("nodes").append(el("li", {}, el("span", {}, node), made.bar, made.note));
    rows.set(node, made);
  }
  return rows.get(node);
}

function event({ type, data }) {
  if (type === "status" && !isBusy()) showHistory();
  if (data.prompt_id !== job?.id) {
    if (data.prompt_id) early = [...early.slice(-999), { type, data }];
    return;
  }
  if (type === "execution_start") state("Running…");
  else if (type === "executing" && data.node) row(data.node);
  else if (type === "progress") {
    const { bar, note } = row(data.node);
    Object.assign(bar, { max: data.max, value: data.value });
    note.textContent = `${data.value} of ${data.max} ${data.note ?? ""}`;
  } else if (type === "node_finished") {
    const { bar, note } = row(data.node);
    Object.assign(bar, { max: 1, value: 1 });
    note.textContent = data.cached ? "from the cache" : `${Math.round(data.ms)} ms`;
  } else if (type === "executed") showOutputs({ [data.node]: data.output }, data.node);
  else if (ENDED[type] && job.busy !== false) {
    job.busy = false;
    const succeeded = type === "execution_success";
    const seconds = ((performance.now() - job.began) / 1000).toFixed(2);
    state(succeeded && job.began ? `Finished in ${seconds} s` : ENDED[type], succeeded ? "" : "bad");
    end(succeeded, data);
  }
}

/** Shows that the job is over; an error has a message. */
function end(succeeded, error) {
  if (error?.exception_message) {
    row(error.node_id).note.replaceChildren(el("span", { className: "bad" }, error.exception_message));
    state(`Failed at ${error.node_id}`, "bad");
  }
  $("preview").hidden = true;
  for (const { bar } of rows.values()) if (!bar.hasAttribute("value")) bar.hidden = true;
  page.ended(job, succeeded);
  showHistory();
}

/** A binary message: a number, the length of a description, the description, a picture. */
function showPreview(data) {
  const start = 8 + new DataView(data).getUint32(4);
  const about = JSON.parse(new TextDecoder().decode(data.slice(8, start)));
  if (about.prompt_id !== job?.id || !isBusy()) return;
  const blob = new Blob([data.slice(start)], { type: about.image_type });
  const address = about.output && `/api${pathOf(job.id, about.node_id, about.output)}?as=png`;
  if (page.preview(about.node_id, blob, address)) return;
  const src = URL.createObjectURL(blob);
  Object.assign($("preview"), { src, hidden: false, onload: () => URL.revokeObjectURL(src) });
}

/** The nodes in whose order results are shown. They end in any order. */
let order = [];
export const orderBy = (nodes) => (order = nodes);
const place = (node) => order.indexOf(node.split(":")[0]);
const compare = (a, b) => place(a) - place(b) || a.localeCompare(b);

/** Shows what output nodes made. */
export function showOutputs(outputs, only) {
  const results = $("results");
  if (!only) results.replaceChildren();
  for (const [node, { images = [], files = [], text = [] }] of Object.entries(outputs ?? {})) {
    const figure = (file, picture) => {
      const [href, name] = [fileAddress(file), file.filename];
      const seen = picture && el("a", { href, target: "_blank" }, el("img", { src: href, alt: `${node}: ${name}` }));
      return el("figure", {}, seen, el("figcaption", {}, el("a", { href, download: name }, `Download ${name}`)));
    };
    const lines = text.map((line) => el("p", {}, `${node} ${line}`));
    const made = [...images.map((file) => figure(file, true)), ...files.map((file) => figure(file)), ...lines];
    for (const element of made) element.dataset.node = node;
    const shown = [...results.children];
    shown.filter((element) => element.dataset.node === node).forEach((element) => element.remove());
    const next = shown.find((element) => compare(element.dataset.node, node) > 0);
    if (next) next.before(...made);
    else results.append(...made);
  }
}

let asked = 0;
async function showHistory() {
  const mine = ++asked;
  const { jobs } = await ask("/api/jobs?limit=12").catch(() => ({ jobs: [] }));
  if (mine !== asked) return;
  const entry = (job) => {
    const picture = job.preview_output?.mediaType === "images" ? el("img", { src: fileAddress(job.preview_output), alt: "" }) : null;
    const text = `${STATUS[job.status]}, ${new Date(job.create_time).toLocaleTimeString()}`;
    const open = async () => {
      const told = await ask(`/api/jobs/${job.id}`);
      $("graph").hidden = false;
      showOutputs(told.outputs);
      state(`${text}. ${told.execution_error?.exception_message ?? ""}`);
      $("results-title").scrollIntoView({ block: "center" });
    };
    return el("li", {}, el("button", { type: "button", onclick: open }, picture, text));
  };
  $("history").replaceChildren(...(jobs.length ? jobs.map(entry) : [el("li", { className: "soft" }, "None yet")]));
}
