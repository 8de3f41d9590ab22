// Runs a part of a graph in a job of which the front end does not hear: while the front end follows a job, it paints, and the
// picture has to wait.

const client = crypto.getRandomValues(new Uint32Array(4)).join("-");
/** The job that runs: it gets previews, and is resolved or rejected. */
let job = null;
let connection = null;

/** Runs a graph as far as the node `target`. `preview` gets nodes and their pictures. Returns the id of the job. */
export async function runPart(api, graph, target, preview) {
  await (connection ??= connect(api));
  const ended = new Promise((resolve, reject) => (job = { preview, resolve, reject }));
  const body = {
    prompt: graph,
    client_id: client,
    partial_execution_targets: [target],
    unlisted: true,
    front: true,
    extra_data: { preview_method: "auto" },
  };
  const headers = { "Content-Type": "application/json" };
  const answer = await api.fetchApi("/prompt", { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error("refused");
  const [{ prompt_id }] = await Promise.all([answer.json(), ended]);
  return prompt_id;
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

function event({ type }) {
  if (type === "execution_success") job?.resolve();
  else if (type === "execution_error" || type === "execution_interrupted") job?.reject(new Error(type));
}

/** A binary message: a number, the length of a description, the description, a picture. */
function showPreview(data) {
  const start = 8 + new DataView(data).getUint32(4);
  const about = JSON.parse(new TextDecoder().decode(data.slice(8, start)));
  job?.preview(about.node_id, new Blob([data.slice(start)], { type: about.image_type }));
}
