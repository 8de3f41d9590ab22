// What all editors of inputs do: they read a value, write it, undo it, and show the picture that belongs to it.
// `export_pack!` in the SDK says what a `host` has.

import { History } from "./history.js";
import { Surface } from "./surface.js";

const copy = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

export class Editor {
  label = "";
  help = "";
  testid = "";
  /** Buttons that press a key: [text, label, key, {control, shift}]. */
  actions = [
    ["Undo", "Undo (Ctrl+Z)", "z", { control: true }],
    ["Redo", "Redo (Ctrl+Shift+Z)", "z", { control: true, shift: true }],
  ];

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

  /** Takes over what changed elsewhere: the value, and the results of a job. */
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

  key(key, { control, shift } = {}) {
    const redo = key === "y" || shift;
    if (!control || !(key === "z" || key === "y")) return false;
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

  // Subclasses have these.
  clean(value) {
    return value;
  }
  changed() {}
  async load() {}
}
