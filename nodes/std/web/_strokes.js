// The editor of StrokesMask: strokes are drawn over the picture.

import { Editor, arrow, factorOf } from "../../lite/editor.js";
import { showBehind } from "./_behind.js";

const isPlace = (at) => Array.isArray(at) && at.length === 2 && at.every(Number.isFinite);

/** The points of a stroke without those that change it by less than a pixel. */
export function thinned(points) {
  const kept = [points[0]];
  for (const point of points.slice(1, -1)) {
    const last = kept.at(-1);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= 2) kept.push(point);
  }
  if (points.length > 1) kept.push(points.at(-1));
  return kept.map((point) => point.map((number) => Math.round(number * 10) / 10));
}

export class Strokes extends Editor {
  label = "Strokes of the mask";
  help =
    "Drag: draw a stroke. Wheel, + or -: width of the brush. Delete: take the last stroke away. Ctrl+Z, Ctrl+Shift+Z: undo, redo. Keys: arrows move the brush, Space begins and ends a stroke.";
  testid = "strokes-canvas";
  radius = 10;
  drawn = null;
  brush = null;

  constructor(host) {
    super(host);
    this.actions.push(
      ["−", "A narrower brush (-)", "-"],
      ["+", "A wider brush (+)", "+"],
      ["Delete", "Take the last stroke away (Delete)", "Delete"],
    );
    this.start();
  }

  read() {
    return this.host.read("strokes");
  }

  write(strokes) {
    this.host.write({ strokes });
  }

  clean(value) {
    return Array.isArray(value) ? value.filter((stroke) => Array.isArray(stroke?.points)) : [];
  }

  changed() {
    this.surface.say(`${this.value.length} ${this.value.length === 1 ? "stroke" : "strokes"}`);
  }

  async load() {
    await showBehind(this);
  }

  down({ place }) {
    this.drawn = [place];
    this.surface.redraw();
  }

  drag({ place }) {
    this.drawn?.push(place);
    this.surface.redraw();
  }

  drop() {
    if (!this.drawn) return;
    const stroke = { points: thinned(this.drawn), radius: this.radius };
    this.drawn = null;
    this.set([...this.value, stroke]);
  }

  click() {
    this.drop();
  }

  cancel() {
    this.drawn = null;
    this.surface.redraw();
  }

  key(key, shift = false) {
    const [move, factor] = [arrow(key, shift ? 20 : 4), factorOf(key, 1.2)];
    if (move) {
      this.brush = (this.brush ?? this.surface.size.map((side) => side / 2)).map((v, i) => v + move[i]);
      this.drawn?.push(this.brush);
      this.surface.say(`Brush at ${this.brush.map(Math.round).join(", ")}`);
    } else if (key === " ") {
      if (this.drawn) this.drop();
      else this.drawn = [(this.brush ??= this.surface.size.map((side) => side / 2))];
    } else if (factor) {
      this.radius = Math.round(Math.min(Math.max(this.radius * factor, 0.5), 512) * 10) / 10;
      this.surface.say(`Brush of radius ${this.radius}`);
    } else if (key === "Delete" || key === "Backspace") {
      if (this.value.length) this.set(this.value.slice(0, -1));
    } else if (key === "Escape" && this.drawn) {
      this.cancel();
    } else {
      return false;
    }
    this.surface.redraw();
    return true;
  }

  draw(pen, scale) {
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = "rgba(255, 212, 0, 0.55)";
    const drawn = this.drawn ? [{ points: this.drawn, radius: this.radius }] : [];
    for (const { points, radius } of [...this.value, ...drawn]) {
      const places = points.filter(isPlace);
      if (!places.length) continue;
      pen.lineWidth = 2 * (Number.isFinite(radius) ? radius : 1) * scale;
      pen.beginPath();
      places.forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](x * scale, y * scale));
      if (places.length === 1) pen.lineTo(places[0][0] * scale, places[0][1] * scale + 0.01);
      pen.stroke();
    }
    if (this.brush) {
      pen.lineWidth = 2;
      pen.strokeStyle = "#fff";
      pen.beginPath();
      pen.arc(this.brush[0] * scale, this.brush[1] * scale, this.radius * scale, 0, 7);
      pen.stroke();
    }
  }
}
