// The token canvas: the editor of EditTokens. Tokens are ellipses over the picture that they become.

import { Editor, arrow, factorOf } from "../../lite/editor.js";
import { stroke } from "../../lite/surface.js";
import { Tokens, deleted, duplicated, transformed } from "./_edits.js";
import { areaOf, centre, ellipse, gaussiansOf, isUsable, pivot, transform } from "./_gaussians.js";
import { enclosed, hull, inside, isOn, tokenAt } from "./_select.js";

const FIELDS = "gaussians,counts";
const counted = (count) => `${count} ${count === 1 ? "token" : "tokens"}`;

export class TokenCanvas extends Editor {
  label = "Token canvas";
  help =
    "1. Drag across or around dots: they are selected. 2. Drag the selection: it moves, and the graph runs. Shift-drag turns, the wheel scales, a click selects one token. Keys: Tab, arrows, + -, [ ], Delete, H hides dots, Ctrl+A all, Ctrl+D copy, Ctrl+Z undo, Escape none.";
  testid = "token-canvas";
  selected = [];
  hidden = false;
  area = areaOf({});
  tokens = new Tokens();

  constructor(host) {
    super(host);
    this.actions.push(
      ["All", "Select all tokens (Ctrl+A)", "a", { control: true }],
      ["−", "Smaller (-)", "-"],
      ["+", "Larger (+)", "+"],
      ["⟲", "Turn left ([)", "["],
      ["⟳", "Turn right (])", "]"],
      ["Delete", "Remove the selected tokens (Delete)", "Delete"],
      ["Dots", "Hide or show dots (H)", "h"],
    );
    this.start();
  }

  read() {
    return this.host.read("edits");
  }

  write(edits) {
    this.host.write({ edits });
  }

  clean(value) {
    return Array.isArray(value) ? value : [];
  }

  get gaussians() {
    return this.tokens.shown(this.value);
  }

  changed() {
    // An undo may take away tokens that are selected.
    const count = this.gaussians.length;
    this.selected = this.selected.filter((index) => index < count);
    this.#tell();
  }

  async load() {
    const [before, after] = await Promise.all([
      this.host.source("tokens", FIELDS),
      this.host.output("tokens", FIELDS),
      this.host.pictureAfter().then((address) => this.surface.show(address)),
    ]);
    if (!before?.tensors?.gaussians) return;
    this.area = areaOf(before.header);
    this.surface.size = this.area.size;
    this.tokens.before(gaussiansOf(before), this.area);
    const ran = this.host.ran("edits");
    if (ran && after?.tensors?.gaussians) this.tokens.after(this.clean(ran), gaussiansOf(after));
    this.changed();
    this.surface.redraw();
  }

  #tell() {
    const [count, all] = [this.selected.length, this.gaussians.length];
    if (!all) this.surface.say("No tokens yet");
    else if (count === 1) this.surface.say(`Token ${this.selected[0]} selected`);
    else this.surface.say(`${counted(count || all)}${count ? " selected" : ""}`);
  }

  select(indices) {
    this.selected = [...new Set(indices)].sort((a, b) => a - b);
    this.#tell();
    this.surface.redraw();
  }

  #transform(change, gesture = null) {
    if (this.selected.length) this.set(transformed(this.value, this.selected, change), gesture);
  }

  down({ place, scale, shift }) {
    const { gaussians, area, selected } = this;
    const hit = tokenAt(gaussians, area, place, scale);
    const onSelected = selected.includes(hit) || isOn(gaussians, area, selected, place);
    // Tokens lie so densely that few drags begin between them.
    if (onSelected) this.gesture = { kind: shift ? "turn" : "move", hit };
    else this.gesture = { kind: "lasso", hit, line: [place], adds: shift };
  }

  drag({ place, from }) {
    const { gesture } = this;
    if (!gesture) return;
    if (gesture.kind === "lasso") gesture.line.push(place);
    else gesture.change = this.#change(place, from);
    this.surface.redraw();
  }

  #change(place, from) {
    if (this.gesture.kind === "move") return { move: [place[0] - from[0], place[1] - from[1]] };
    const [px, py] = centre([0, 0, 0, ...pivot(this.gaussians, this.selected)], this.area);
    const at = ([x, y]) => Math.atan2(y - py, x - px);
    return { rotate: ((at(place) - at(from)) * 180) / Math.PI };
  }

  drop({ place, from }) {
    const { kind, line, adds, change } = this.gesture ?? {};
    const last = change && this.#change(place, from);
    this.gesture = null;
    if (kind === "lasso") {
      const caught = inside(this.gaussians, this.area, enclosed(line));
      this.select(adds ? [...this.selected, ...caught] : caught);
      if (!caught.length) this.surface.say("No dots there: drag across some");
    } else if (last) {
      this.#transform(last);
    }
    this.surface.redraw();
  }

  click({ shift }) {
    const { hit } = this.gesture ?? { hit: -1 };
    this.gesture = null;
    const has = this.selected.includes(hit);
    if (!shift) this.select(hit < 0 ? [] : [hit]);
    else if (hit >= 0) this.select(has ? this.selected.filter((index) => index !== hit) : [...this.selected, hit]);
  }

  get #usable() {
    return this.gaussians.flatMap((gaussian, index) => (isUsable(gaussian) ? [index] : []));
  }

  shortcut(key) {
    if (key === "a") this.select(this.#usable);
    else if (key === "d" && this.selected.length) this.#copy();
    else return false;
    return true;
  }

  key(key, shift = false) {
    const { selected } = this;
    const [move, scale, rotate] = [arrow(key, shift ? 10 : 1), factorOf(key, 1.05), { "[": -5, "]": 5 }[key]];
    const change = (move && { move }) || (scale && { scale }) || (rotate && { rotate });
    if (change && selected.length) {
      this.#transform(change, `keys ${selected}`);
    } else if ((key === "Delete" || key === "Backspace") && selected.length) {
      this.#delete();
    } else if (key === "Escape" && (this.gesture || selected.length)) {
      this.gesture = null;
      this.select([]);
    } else if (key === "h") {
      this.hidden = !this.hidden;
      this.surface.redraw();
    } else if (key === "Tab") {
      // Past the last token, the key leaves the canvas.
      const usable = this.#usable;
      const at = selected.length ? usable.indexOf(selected.at(-1)) : -1;
      const next = usable[at + (shift ? -1 : 1)];
      if (next === undefined || (at < 0 && shift)) return false;
      this.select([next]);
    } else {
      return false;
    }
    return true;
  }

  #delete() {
    const gone = this.selected;
    if (gone.length >= this.#usable.length) {
      this.surface.say("At least one token must stay");
      return;
    }
    this.selected = [];
    this.set(deleted(this.value, gone));
    this.surface.say(`${counted(gone.length)} removed`);
  }

  #copy() {
    const [first, copies] = [this.gaussians.length, this.selected.length];
    this.set(duplicated(this.value, this.selected, [8, 8]));
    this.select(Array.from({ length: copies }, (_, i) => first + i));
  }

  draw(pen, scale) {
    let { gaussians } = this;
    if (!gaussians.length) return "Run once: the tokens appear here as dots";
    if (this.hidden) return null;
    const { change, line } = this.gesture ?? {};
    if (change) {
      const [edit] = transformed([], this.selected, change);
      if (edit) gaussians = transform(gaussians, this.selected, edit, this.area);
    }
    const chosen = new Set(this.selected);
    gaussians.forEach((gaussian, index) => {
      if (!chosen.has(index)) this.#token(pen, scale, gaussian, false);
    });
    for (const index of chosen) this.#token(pen, scale, gaussians[index], true);
    dashed(pen, scale, line ? enclosed(line) : hull(gaussians, this.area, this.selected), line ? "#fff" : "#ffd400");
    return null;
  }

  #token(pen, scale, gaussian, chosen) {
    if (!gaussian || !isUsable(gaussian)) return;
    const { x, y, long, short, angle } = ellipse(gaussian, this.area);
    const [radius, other] = [long, short].map((side) => Math.max(side * scale, 0.5));
    const colour = chosen ? "#ffd400" : "#50dcff";
    pen.beginPath();
    pen.ellipse(x * scale, y * scale, radius, other, angle, 0, 7);
    stroke(pen, chosen ? 4 : 2.5, chosen ? "#000" : "#0008");
    stroke(pen, chosen ? 2 : 1, colour);
    pen.beginPath();
    pen.arc(x * scale, y * scale, Math.min(chosen ? 3.5 : 2.5, 1 + scale), 0, 7);
    pen.fillStyle = colour;
    pen.fill();
    stroke(pen, 1, "#000");
  }
}

function dashed(pen, scale, line, colour) {
  pen.beginPath();
  for (const [x, y] of line) pen.lineTo(x * scale, y * scale);
  pen.closePath();
  pen.setLineDash([6, 4]);
  stroke(pen, 2, colour);
  pen.setLineDash([]);
}
