// What all editors of inputs do: they read a value, write it, undo it, and show the picture that belongs to it.
//
// The page gives an editor a `host`:
//   read(input)             the value of an input of the node, parsed; null if it has none
//   write({input: value})   sets inputs and runs the graph
//   ran(input)              the value of an input of the node in the last job of this page; null without one
//   source(input)           the output that feeds an input, as the last job of this page left it: JSON; null if there is none
//   output(name)            an output of the node itself, in the same way
//   pictureAfter()          the address of the nearest picture that is made from the node; null if there is none
//   picture(input)          the address of the picture that feeds an input; null if there is none

import { History } from "./history.js";
import { Surface } from "./surface.js";

const copy = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

export class Editor {
  label = "";
  help = "";
  testid = "";
  /** Buttons; see `Surface`. */
  actions = [
    { text: "Undo", label: "Undo (Ctrl+Z)", run: () => this.key("z", { control: true }) },
    { text: "Redo", label: "Redo (Ctrl+Shift+Z)", run: () => this.key("z", { control: true, shift: true }) },
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
    const steps = { z: shift ? "redo" : "undo", y: "redo" };
    if (!control || !steps[key]) return false;
    const can = steps[key] === "undo" ? this.history.canUndo : this.history.canRedo;
    if (!can) {
      this.surface.say(`Nothing to ${steps[key]}`);
      return true;
    }
    this.value = copy(this.history[steps[key]]());
    this.#write();
    this.surface.say(steps[key] === "undo" ? "Undone" : "Done again");
    return true;
  }

  // Subclasses have these.
  clean(value) {
    return value;
  }
  changed() {}
  async load() {}
}
