// Elements and requests.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children. Keys with `-` and `role` are attributes. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Why a request failed: a text, and problems with inputs. */
export class Failure extends Error {
  constructor(text, problems = []) {
    super(text);
    this.problems = problems;
  }
}

/** The answer to a request, parsed; with `body`, a POST. */
export async function ask(path, body) {
  const form = body instanceof FormData;
  const post = body && { method: "POST", body: form ? body : JSON.stringify(body) };
  if (post && !form) post.headers = { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, post);
  } catch {
    throw new Failure("The server does not answer. Look whether it runs.");
  }
  const text = await answer.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // An error may be plain text.
  }
  if (!answer.ok) throw new Failure(json?.error?.message ?? json?.error ?? (json ? "The graph has problems" : text), json?.problems);
  return json;
}

/** The address of a file of a job. */
export const fileAddress = ({ filename, subfolder = "", type = "output" }) =>
  `/api/view?${new URLSearchParams({ filename, subfolder, type })}`;
