// The editor of BoxLayout: boxes are drawn over the canvas.

import { Editor, arrow, factorOf } from "../../lite/editor.js";
import { stroke } from "../../lite/surface.js";

const SIDE = 256;
const isBox = (box) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite);
const clamp = (number) => Math.min(Math.max(Math.round(number), 0), SIDE);

/** The box between two places, in whole pixels of the canvas. */
export function between([x0, y0], [x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)].map(clamp);
}

/** The box after a move, which stays on the canvas. */
export function moved([x0, y0, x1, y1], [dx, dy]) {
  const limit = (by, from, to) => Math.min(Math.max(Math.round(by), -from), SIDE - to);
  const [x, y] = [limit(dx, x0, x1), limit(dy, y0, y1)];
  return [x0 + x, y0 + y, x1 + x, y1 + y];
}

/** The box about the same middle with sides of another length. */
export function scaled([x0, y0, x1, y1], by) {
  const side = (from, to) => {
    const [middle, half] = [(from + to) / 2, Math.max(((to - from) / 2) * by, 2)];
    return [clamp(middle - half), clamp(middle + half)];
  };
  const [[a, c], [b, d]] = [side(x0, x1), side(y0, y1)];
  return [a, b, c, d];
}

export class Boxes extends Editor {
  label = "Boxes of the layout";
  help =
    "Drag on empty ground: a new box. Click: select. Drag a selected box: move. Wheel, + or -: size. Delete: take away. Keys: N a new box, Tab next, arrows move. Ctrl+Z, Ctrl+Shift+Z: undo, redo.";
  testid = "box-canvas";
  chosen = -1;

  constructor(host) {
    super(host);
    this.actions.push(
      ["New", "A new box (N)", "n"],
      ["−", "Smaller (-)", "-"],
      ["+", "Larger (+)", "+"],
      ["Delete", "Take the selected box away (Delete)", "Delete"],
    );
    this.start();
  }

  /** The length of a pixel in the unit of the node. */
  get #unit() {
    return this.host.read("unit") === "fractions" ? 1 / SIDE : 1;
  }

  read() {
    const boxes = this.host.read("boxes");
    return Array.isArray(boxes) ? boxes.filter(isBox).map((box) => box.map((side) => side / this.#unit)) : [];
  }

  write(boxes) {
    const unit = this.#unit;
    this.host.write({ boxes: boxes.map((box) => box.map((side) => Number((side * unit).toFixed(6)))) });
  }

  clean(value) {
    return value ?? [];
  }

  changed() {
    if (this.chosen >= this.value.length) this.chosen = -1;
    this.#tell();
  }

  #tell() {
    const [count, at] = [this.value.length, this.chosen];
    const selected = at < 0 ? "" : `, box ${at + 1} selected: ${this.value[at].map(Math.round).join(", ")}`;
    this.surface.say(`${count} ${count === 1 ? "box" : "boxes"}${selected}`);
  }

  async load() {
    await this.surface.show(await this.host.pictureAfter());
  }

  #at([x, y]) {
    return this.value.findLastIndex(([x0, y0, x1, y1]) => x >= x0 && x <= x1 && y >= y0 && y <= y1);
  }

  down({ place }) {
    const [x0, y0, x1, y1] = this.value[this.chosen] ?? [1, 1, 0, 0];
    const moves = place[0] >= x0 && place[0] <= x1 && place[1] >= y0 && place[1] <= y1;
    this.gesture = { moves, box: null };
  }

  drag({ place, from }) {
    if (!this.gesture) return;
    const by = [place[0] - from[0], place[1] - from[1]];
    this.gesture.box = this.gesture.moves ? moved(this.value[this.chosen], by) : between(from, place);
    this.surface.redraw();
  }

  drop() {
    const { moves, box } = this.gesture ?? {};
    this.gesture = null;
    if (!box) return;
    if (moves) {
      this.set(this.value.with(this.chosen, box));
    } else if (box[2] - box[0] >= 2 && box[3] - box[1] >= 2) {
      this.chosen = this.value.length;
      this.set([...this.value, box]);
    }
    this.surface.redraw();
  }

  click({ place }) {
    this.gesture = null;
    this.chosen = this.#at(place);
    this.#tell();
    this.surface.redraw();
  }

  key(key, shift = false) {
    const count = this.value.length;
    const [move, factor] = [arrow(key, shift ? 16 : 2), factorOf(key, 1.1)];
    const chosen = this.value[this.chosen];
    if (key === "n") {
      this.chosen = count;
      this.set([...this.value, [96, 96, 160, 160]]);
    } else if (key === "Escape" && this.chosen >= 0) {
      this.chosen = -1;
      this.#tell();
    } else if (key === "Tab") {
      // Past the last box, the key leaves the canvas.
      const next = this.chosen + (shift ? -1 : 1);
      if (next < 0 || next >= count) return false;
      this.chosen = next;
      this.#tell();
    } else if (chosen && move) {
      this.set(this.value.with(this.chosen, moved(chosen, move)), `move ${this.chosen}`);
    } else if (chosen && factor) {
      this.set(this.value.with(this.chosen, scaled(chosen, factor)), `scale ${this.chosen}`);
    } else if (chosen && (key === "Delete" || key === "Backspace")) {
      this.set(this.value.toSpliced(this.chosen, 1));
    } else {
      return false;
    }
    this.surface.redraw();
    return true;
  }

  draw(pen, scale) {
    const boxes = this.value.map((box, i) => ({ box, chosen: i === this.chosen }));
    const now = this.gesture?.box;
    if (now && this.gesture.moves) boxes[this.chosen].box = now;
    else if (now) boxes.push({ box: now, chosen: true });
    for (const { box: [x0, y0, x1, y1], chosen } of boxes) {
      pen.beginPath();
      pen.rect(x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale);
      pen.fillStyle = chosen ? "rgba(255, 212, 0, 0.2)" : "rgba(80, 220, 255, 0.1)";
      pen.fill();
      stroke(pen, 4, "#000");
      stroke(pen, 2, chosen ? "#ffd400" : "#50dcff");
    }
    return boxes.length ? null : "Drag over the canvas: a box appears";
  }
}
