// What all editors of inputs do: read a value, write it, undo it, show its picture.
// GUIDE.md says what a `host` has.

import { History } from "./history.js";
import { Surface } from "./surface.js";

/** The step of an arrow key. */
export const arrow = (key, step) =>
  ({ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] })[key];

/** The factor of a key for sizes. */
export const factorOf = (key, by) => ({ "+": by, "=": by, "-": 1 / by })[key];

const copy = (value) => structuredClone(value ?? null);

export class Editor {
  label = "";
  help = "";
  testid = "";
  /** Buttons that press a key: [text, label, key, {control, shift}]. */
  actions = [
    ["Undo", "Undo (Ctrl+Z)", "z", { control: true }],
    ["Redo", "Redo (Ctrl+Shift+Z)", "z", { control: true, shift: true }],
  ];
  /** What the mouse is doing. */
  gesture = null;

  constructor(host) {
    this.host = host;
  }

  /** Makes the element. Subclasses call it when their fields are set. */
  start() {
    this.value = this.clean(copy(this.read()));
    this.history = new History(copy(this.value));
    this.surface = new Surface(this);
    this.element = this.surface.element;
    this.refresh();
  }

  /** Takes over what changed elsewhere. */
  refresh() {
    const value = this.clean(copy(this.read()));
    if (JSON.stringify(value) !== JSON.stringify(this.value)) {
      this.value = value;
      this.history.add(copy(value));
      this.changed();
    }
    this.surface.redraw();
    return this.load();
  }

  /** Shows a preview of the picture that it shows. Returns whether it is one. `address` is that of the result. */
  preview(node, blob, address) {
    return this.host.after?.node === node && this.surface.show(blob, address);
  }

  /** Sets the value, and runs the graph. */
  set(value, gesture = null) {
    if (JSON.stringify(value) === JSON.stringify(this.value)) return;
    this.value = value;
    this.history.add(copy(value), gesture);
    this.#write();
  }

  #write() {
    this.write(copy(this.value));
    this.changed();
    this.surface.redraw();
  }

  /** Answers a key. Returns whether it means something here. */
  press(key, { control = false, shift = false } = {}) {
    if (!control) return this.key(key, shift);
    if (key !== "z" && key !== "y") return this.shortcut(key);
    const redo = key === "y" || shift;
    const value = this.history.go(redo ? 1 : -1);
    if (value === undefined) {
      this.surface.say(`Nothing to ${redo ? "redo" : "undo"}`);
      return true;
    }
    this.value = copy(value);
    this.#write();
    this.surface.say(redo ? "Done again" : "Undone");
    return true;
  }

  // Subclasses have these, and `down`, `drag`, `drop` and `click` for the mouse.
  key() {
    return false;
  }
  /** A key together with Ctrl. */
  shortcut() {
    return false;
  }
  wheel(delta) {
    return this.key(delta < 0 ? "+" : "-");
  }
  cancel() {
    this.gesture = null;
    this.surface.redraw();
  }
  clean(value) {
    return value;
  }
  changed() {}
  async load() {}
}
