// Elements and requests.

export const $ = (id) => document.getElementById(id);

/** An element. Keys with `-` are attributes. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if ((value ?? false) === false) continue;
    if (key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => (child ?? null) !== null));
  return made;
}

/** The answer to a request; with `body`, a POST. Errors may have `problems`. */
export async function ask(path, body) {
  const form = body instanceof FormData;
  const post = body && { method: "POST", body: form ? body : JSON.stringify(body) };
  if (post && !form) post.headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, post).catch(() => {
    throw new Error("The server does not answer. Look whether it runs.");
  });
  const json = answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  if (answer.ok) return json;
  const text = json?.error?.message ?? json?.error ?? (json ? "The graph has problems" : await answer.text());
  throw Object.assign(new Error(text), { problems: json?.problems ?? [] });
}

/** The address of a file of a job. */
export const fileAddress = ({ filename, subfolder = "", type = "output" }) =>
  `/api/view?${new URLSearchParams({ filename, subfolder, type })}`;
