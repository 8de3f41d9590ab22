// The list of edits of EditTokens: adding to it, and what it does to the tokens.

import { transform } from "./_gaussians.js";

const round = (number, digits) => Number(number.toFixed(digits));
const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);
const NUMBERS = ["move_x", "move_y", "scale_x", "scale_y", "rotate"];

/** Whether an edit is one that `transformed` writes: of chosen tokens, about their centre, with one factor. */
function isOwn(edit) {
  const known = ["edit", "select", ...NUMBERS];
  return (
    edit?.edit === "transform" &&
    Array.isArray(edit.select?.indices) &&
    Object.keys(edit.select).length === 1 &&
    Object.keys(edit).every((key) => known.includes(key)) &&
    (edit.scale_x ?? 1) === (edit.scale_y ?? 1)
  );
}

/**
 * The list with one more transform of the tokens `indices`: `move` in pixels, a factor `scale`, an angle `rotate`. All act
 * about the centre of the tokens, so a transform of the same tokens as the last one becomes part of it.
 */
export function transformed(edits, indices, { move = [0, 0], scale = 1, rotate = 0 }) {
  const last = edits.at(-1);
  const merges = isOwn(last) && same(last.select.indices, indices);
  const old = merges ? last : {};
  const factor = round((old.scale_x ?? 1) * scale, 4);
  let angle = round((old.rotate ?? 0) + rotate, 2) % 360;
  if (angle > 180) angle -= 360;
  if (angle < -180) angle += 360;
  const numbers = {
    move_x: round((old.move_x ?? 0) + move[0], 2),
    move_y: round((old.move_y ?? 0) + move[1], 2),
    scale_x: factor,
    scale_y: factor,
    rotate: angle,
  };
  const changes = NUMBERS.filter((name) => numbers[name] !== (name.startsWith("scale") ? 1 : 0));
  const rest = merges ? edits.slice(0, -1) : edits;
  if (!changes.length || factor <= 0) return rest;
  const edit = { edit: "transform", select: { indices: [...indices] } };
  for (const name of changes) edit[name] = numbers[name];
  return [...rest, edit];
}

/** The list with one more edit that deletes tokens. */
export const deleted = (edits, indices) => [...edits, { edit: "delete", select: { indices: [...indices] } }];

/** The list with one more edit that copies tokens and moves the copies. */
export const duplicated = (edits, indices, [x, y]) => [
  ...edits,
  { edit: "duplicate", select: { indices: [...indices] }, move_x: x, move_y: y },
];

/** The tokens before and after edits, as the server answered. Until it does, transforms of chosen tokens are guessed. */
export class Tokens {
  #known = new Map();
  #area;

  /** Takes the tokens before all edits. Answers for other tokens are forgotten. */
  before(gaussians, area) {
    const text = JSON.stringify(gaussians);
    if (this.#known.has("[]") && JSON.stringify(this.#known.get("[]")) === text) return;
    this.#area = area;
    this.#known = new Map([["[]", gaussians]]);
  }

  /** Takes the server's tokens after these edits. */
  after(edits, gaussians) {
    this.#known.set(JSON.stringify(edits), gaussians);
  }

  /** The tokens after these edits; none without the tokens before them. */
  shown(edits) {
    for (let count = edits.length; count >= 0; count--) {
      const known = this.#known.get(JSON.stringify(edits.slice(0, count)));
      if (known) return edits.slice(count).reduce((tokens, edit) => guess(tokens, edit, this.#area), known);
    }
    return [];
  }
}

function guess(gaussians, edit, area) {
  const indices = edit?.select?.indices?.filter((index) => index < gaussians.length);
  if (!indices) return gaussians;
  if (edit.edit === "delete") return gaussians.filter((_, index) => !indices.includes(index));
  if (edit.edit === "transform" && (edit.pivot ?? "selection") === "selection") {
    return transform(gaussians, indices, edit, area);
  }
  if (edit.edit === "duplicate") {
    const copies = indices.map((index) => gaussians[index]);
    return [...gaussians, ...transform(copies, [...copies.keys()], edit, area)];
  }
  return gaussians;
}
