// The form of a graph's named inputs.

import { $, ask, el, fileAddress } from "./page.js";

let fields = [];

const kinds = (input) => (input.type ?? "").split(",");
const isJson = (input) => input.list || kinds(input).includes("JSON");
/** A value of a graph, which writes lists as `{"__value__": [..]}`. */
export const unwrapped = (value) => value?.__value__ ?? value ?? null;

const shown = (value) => (typeof value === "object" && value ? JSON.stringify(unwrapped(value)) : String(value ?? ""));

/** The value of a field; undefined for none. */
function parsed({ input, control }) {
  if (control.type === "checkbox") return control.checked;
  const text = control.value.trim();
  if (text === "") return undefined;
  const number = /\b(INT|FLOAT)\b/.test(input.type);
  if (isJson(input)) {
    try {
      return JSON.parse(text);
    } catch (error) {
      // A text is right where both are allowed.
      if (kinds(input).includes("STRING")) return text;
      throw new Error(`expected JSON: ${error.message}`);
    }
  }
  return number && Number.isFinite(Number(text)) ? Number(text) : text;
}

function control(input, id, help) {
  const about = { id, "aria-describedby": help };
  if (input.choices?.length) {
    const options = input.choices.map(({ name, help }) => el("option", { value: name, title: help ?? "" }, name));
    return el("select", about, ...options);
  }
  if (input.type === "BOOLEAN") return el("input", { ...about, type: "checkbox" });
  if (isJson(input)) return el("textarea", { ...about, spellcheck: false });
  const step = { INT: "1", FLOAT: "any" }[input.type];
  if (!step) return el("input", { ...about, type: "text", spellcheck: false });
  return el("input", { ...about, type: "number", min: input.min, max: input.max, step });
}

function limits({ min, max }) {
  const limit = (text, side) => (typeof side === "number" ? ` ${text} ${side}.` : "");
  return limit("At least", min) + limit("At most", max);
}

/** A field that takes a file: by a button, or dropped on it. */
function upload(field) {
  const accept = (field.input.extensions ?? []).map((extension) => `.${extension}`).join();
  const picked = el("input", { type: "file", accept, "aria-label": `Choose a file for ${field.input.name}` });
  const told = el("p", { className: "soft", role: "status" }, "Or drop a file here.");
  // Only a picture loads.
  const picture = el("img", { alt: "", hidden: true });
  picture.onload = picture.onerror = ({ type }) => (picture.hidden = type === "error");
  const show = () => (picture.src = fileAddress({ filename: field.control.value, type: "input" }));
  if (field.control.value) show();
  const box = el("div", { className: "drop" }, field.control, picked, told, picture);
  const send = async (file) => {
    if (!file) return;
    told.textContent = `Sending ${file.name}…`;
    try {
      const form = new FormData();
      form.append("image", file);
      const { name } = await ask("/api/upload/image", form);
      field.control.value = name;
      field.control.dispatchEvent(new Event("input", { bubbles: true }));
      told.textContent = `${file.name} is there.`;
      show();
    } catch (error) {
      told.textContent = error.message;
    }
  };
  picked.onchange = () => send(picked.files[0]);
  box.ondragover = box.ondragleave = box.ondrop = (event) => {
    event.preventDefault();
    box.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") send(event.dataTransfer.files[0]);
  };
  return box;
}

/** Shows the fields of a graph, with the values in `kept`. */
export function showForm(graph, kept) {
  clearProblems();
  fields = graph.inputs.map((input, i) => {
    const field = { input, name: input.name, control: control(input, `field-${i}`, `help-${i} error-${i}`) };
    const set = (text) => (field.control.type === "checkbox" ? (field.control.checked = text === "true") : (field.control.value = text));
    field.set = (value) => set(shown(value));
    field.set(input.value);
    if (kept[input.name] !== undefined) set(kept[input.name]);
    field.error = el("p", { id: `error-${i}`, className: "bad" });
    const help = (input.help ?? "").split("\n\n")[0] + limits(input);
    const entry = input.path === "read" ? upload(field) : field.control;
    field.element = el(
      "div",
      { className: "field" },
      el("label", { htmlFor: `field-${i}` }, input.name),
      entry,
      el("p", { id: `help-${i}`, className: "soft" }, help),
      field.error,
    );
    return field;
  });
  $("fields").replaceChildren(...fields.map(({ element }) => element));
}

/** The texts in the fields, to be kept. */
export const texts = () =>
  Object.fromEntries(fields.map(({ name, control }) => [name, control.type === "checkbox" ? String(control.checked) : control.value]));

/** The values of all fields that have one. */
export function values() {
  clearProblems();
  const given = {};
  for (const field of fields) {
    try {
      const value = parsed(field);
      if (value !== undefined) given[field.name] = value;
    } catch (error) {
      mark(field, error.message);
    }
  }
  return goToWrong() ? null : given;
}

/** Puts the focus on the first wrong field. */
function goToWrong() {
  const wrong = fields.find(({ error }) => error.textContent);
  wrong?.control.focus();
  return wrong;
}

/** The field that sets `node.input`; undefined if none does. */
export function fieldOf(target) {
  const field = fields.find(({ input }) => input.targets.includes(target));
  if (!field) return undefined;
  const value = () => {
    try {
      return parsed(field) ?? null;
    } catch {
      return null;
    }
  };
  return { name: field.name, value, set: field.set };
}

function mark(field, text) {
  field.error.append(field.error.textContent && " ", text);
  field.control.setAttribute("aria-invalid", "true");
}

export function clearProblems() {
  $("problems").replaceChildren();
  for (const field of fields) {
    field.error.textContent = "";
    field.control.removeAttribute("aria-invalid");
  }
}

/** Shows why a request failed, beside the fields if it can. */
export function showFailure(failure) {
  clearProblems();
  const rest = [];
  for (const problem of failure.problems ?? []) {
    const target = `${problem.node}.${problem.input}`;
    const field = fields.find(({ input }) => input.targets.includes(target));
    if (field) mark(field, problem.text);
    else rest.push(problem.text);
  }
  if (!failure.problems?.length) rest.push(failure.message);
  $("problems").replaceChildren(...rest.map((text) => el("p", { className: "bad" }, text)));
  goToWrong();
}
