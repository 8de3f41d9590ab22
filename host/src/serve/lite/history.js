// Undo and redo.

/** The values that an input had. */
export class History {
  #values;
  #at = 0;
  #gesture = null;

  constructor(value) {
    this.#values = [value];
  }

  get value() {
    return this.#values[this.#at];
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#values.length - 1;
  }

  /** Adds a value. Values of one `gesture`, such as the turns of a wheel, are undone together. */
  add(value, gesture = null) {
    const keep = gesture !== null && gesture === this.#gesture ? this.#at : this.#at + 1;
    this.#values.length = Math.max(keep, 1);
    this.#values.push(value);
    this.#at = this.#values.length - 1;
    this.#gesture = gesture;
  }

  undo() {
    if (this.canUndo) this.#at -= 1;
    this.#gesture = null;
    return this.value;
  }

  redo() {
    if (this.canRedo) this.#at += 1;
    this.#gesture = null;
    return this.value;
  }
}
