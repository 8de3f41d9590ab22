// The editor of EllipseMask: an ellipse is dragged over the picture.

import { Editor, arrow, factorOf } from "../../lite/editor.js";
import { stroke } from "../../lite/surface.js";
import { showBehind } from "./_behind.js";

const NAMES = ["x", "y", "radius_x", "radius_y", "angle"];
const round = (number) => Math.round(number * 10) / 10;

/** Whether a place lies in an ellipse. */
export function isInside({ x, y, radius_x, radius_y, angle }, [px, py]) {
  const turn = (-angle * Math.PI) / 180;
  const [dx, dy] = [px - x, py - y];
  const [u, v] = [dx * Math.cos(turn) - dy * Math.sin(turn), dx * Math.sin(turn) + dy * Math.cos(turn)];
  return (u / radius_x) ** 2 + (v / radius_y) ** 2 <= 1;
}

/** The ellipse in the rectangle of two places. */
export function between([x0, y0], [x1, y1]) {
  const [width, height] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
  return { x: round((x0 + x1) / 2), y: round((y0 + y1) / 2), radius_x: round(width / 2), radius_y: round(height / 2), angle: 0 };
}

export class Ellipse extends Editor {
  label = "Ellipse of the mask";
  help =
    "Drag on empty ground: a new ellipse. Drag inside: move. Shift-drag inside: turn. Wheel, + or -: size. Keys: arrows move, [ ] turn. Ctrl+Z, Ctrl+Shift+Z: undo, redo.";
  testid = "ellipse-canvas";

  constructor(host) {
    super(host);
    this.actions.push(
      ["−", "Smaller (-)", "-"],
      ["+", "Larger (+)", "+"],
      ["⟲", "Turn left ([)", "["],
      ["⟳", "Turn right (])", "]"],
    );
    this.start();
  }

  read() {
    return Object.fromEntries(NAMES.map((name) => [name, this.host.read(name)]));
  }

  write(value) {
    this.host.write(value);
  }

  clean(value) {
    const number = (name) => (Number.isFinite(value?.[name]) ? value[name] : 0);
    return Object.fromEntries(NAMES.map((name) => [name, number(name)]));
  }

  changed() {
    const { x, y, radius_x, radius_y, angle } = this.value;
    this.surface.say(`Centre ${x}, ${y}, radii ${radius_x} and ${radius_y}, angle ${angle}°`);
  }

  async load() {
    await showBehind(this);
  }

  down({ place, shift }) {
    const inside = isInside(this.value, place);
    this.gesture = { kind: inside ? (shift ? "turn" : "move") : "new", from: { ...this.value } };
  }

  /** The ellipse in the middle of a gesture. */
  #during({ place, from }) {
    const { kind, from: old } = this.gesture;
    if (kind === "new") return between(from, place);
    if (kind === "move") return { ...old, x: round(old.x + place[0] - from[0]), y: round(old.y + place[1] - from[1]) };
    const at = ([x, y]) => Math.atan2(y - old.y, x - old.x);
    return { ...old, angle: round((old.angle + ((at(place) - at(from)) * 180) / Math.PI + 540) % 360 - 180) };
  }

  drag(at) {
    if (!this.gesture) return;
    this.gesture.now = this.#during(at);
    this.surface.redraw();
  }

  drop(at) {
    if (!this.gesture) return;
    const made = this.#during(at);
    this.gesture = null;
    if (made.radius_x >= 1 && made.radius_y >= 1) this.set(made);
    this.surface.redraw();
  }

  click() {
    this.gesture = null;
  }

  key(key, shift = false) {
    const step = shift ? 10 : 1;
    const { x, y, radius_x, radius_y, angle } = this.value;
    const [move, factor, turn] = [arrow(key, step), factorOf(key, 1.1), { "[": -5, "]": 5 }[key]];
    let change;
    if (move) change = { x: x + move[0], y: y + move[1] };
    else if (factor) change = { radius_x: round(radius_x * factor), radius_y: round(radius_y * factor) };
    else if (turn) change = { angle: angle + turn * step };
    else return false;
    this.set({ ...this.value, ...change }, `keys ${key}`);
    return true;
  }

  draw(pen, scale) {
    const { x, y, radius_x, radius_y, angle } = this.gesture?.now ?? this.value;
    if (!(radius_x > 0 && radius_y > 0)) return "Drag over the picture: an ellipse appears";
    pen.beginPath();
    pen.ellipse(x * scale, y * scale, radius_x * scale, radius_y * scale, (angle * Math.PI) / 180, 0, 7);
    pen.fillStyle = "rgba(255, 212, 0, 0.2)";
    pen.fill();
    stroke(pen, 4, "#000");
    stroke(pen, 2, "#ffd400");
    return null;
  }
}
