// Undo and redo.

/** The values that an input had. */
export class History {
  #values;
  #at = 0;
  #gesture = null;

  constructor(value) {
    this.#values = [value];
  }

  /** Adds a value. Those of one `gesture` are undone together. */
  add(value, gesture = null) {
    const keep = gesture !== null && gesture === this.#gesture ? this.#at : this.#at + 1;
    this.#values.length = keep;
    this.#at = this.#values.push(value) - 1;
    this.#gesture = gesture;
  }

  /** The value before (-1) or after (1), if there is one. */
  go(by) {
    const value = this.#values[this.#at + by];
    if (value !== undefined) this.#at += by;
    this.#gesture = null;
    return value;
  }
}
