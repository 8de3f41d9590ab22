// Runs a part of a graph in a job of which the front end does not hear: while the front end follows a job, it paints, and the
// picture has to wait.

/** A job that does not start within so many milliseconds waits for other jobs. */
const PATIENCE = 1000;
const client = crypto.getRandomValues(new Uint32Array(4)).join("-");
let connection = null;
/** The newest job: its id, and what its events call. */
let job = null;

/**
 * Runs a graph as far as the node `target`. `preview` gets descriptions of pictures and the pictures. Returns the id of the job; null if
 * the user stopped it. Fails if the job fails or does not start soon.
 */
export async function runPart(api, graph, target, preview) {
  await (connection ??= connect(api));
  const id = uuid();
  const ended = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("Other jobs run.")), PATIENCE);
    job = { id, preview, resolve, reject, started: () => clearTimeout(late) };
  });
  // If the request fails, nobody waits for the end.
  ended.catch(() => {});
  const body = {
    prompt: graph,
    prompt_id: id,
    client_id: client,
    partial_execution_targets: [target],
    unlisted: true,
    front: true,
    extra_data: { preview_method: "auto" },
  };
  const headers = { "Content-Type": "application/json" };
  const answer = await api.fetchApi("/prompt", { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error("The server refused the graph.");
  return ended;
}

/** `crypto.randomUUID` works for local addresses and https only. */
function uuid() {
  const digits = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function connect(api) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}${api.apiURL("/ws")}?clientId=${client}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true, splatgraph: true } }));
      resolve();
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? event(JSON.parse(data)) : showPreview(data));
    socket.onclose = () => {
      connection = null;
      for (const fail of [reject, job?.reject]) fail?.(new Error("The server closed the connection."));
    };
  });
}

function event({ type, data }) {
  if (!job || data.prompt_id !== job.id) return;
  if (type === "execution_start") job.started();
  else if (type === "execution_success") job.resolve(job.id);
  else if (type === "execution_interrupted") job.resolve(null);
  else if (type === "execution_error") job.reject(new Error(data.exception_message));
}

/** A binary message: a number, the length of a description, the description, a picture. */
function showPreview(data) {
  const start = 8 + new DataView(data).getUint32(4);
  const about = JSON.parse(new TextDecoder().decode(data.slice(8, start)));
  if (about.prompt_id === job?.id) job.preview(about, new Blob([data.slice(start)], { type: about.image_type }));
}
