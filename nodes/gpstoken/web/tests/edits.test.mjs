// The edits that the token canvas writes, and what it guesses of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Tokens, deleted, duplicated, transformed } from "../_edits.js";
import { areaOf, centre, distance, ellipse, transform } from "../_gaussians.js";

const area = areaOf({ canvas: [256, 256], tile: 256, grid: [1, 1] });
const near = (a, b, by = 1e-9) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < by, `${a} and ${b}`));

test("transforms of the same tokens become one", () => {
  let edits = transformed([], [3, 5], { move: [10, -4.004] });
  assert.deepEqual(edits, [{ edit: "transform", select: { indices: [3, 5] }, move_x: 10, move_y: -4 }]);
  edits = transformed(edits, [3, 5], { scale: 1.1 });
  edits = transformed(edits, [3, 5], { rotate: 190 });
  edits = transformed(edits, [3, 5], { move: [1, 0] });
  const merged = { move_x: 11, move_y: -4, scale_x: 1.1, scale_y: 1.1, rotate: -170 };
  assert.deepEqual(edits, [{ edit: "transform", select: { indices: [3, 5] }, ...merged }]);
  edits = transformed(edits, [3], { move: [1, 0] });
  assert.equal(edits.length, 2);
});

test("a transform that changes nothing is left out", () => {
  const edits = transformed([], [1], { move: [3, 0] });
  assert.deepEqual(transformed(edits, [1], { move: [-3, 0] }), []);
  assert.deepEqual(transformed([], [1], {}), []);
});

test("edits that others wrote stay as they are", () => {
  for (const more of [{ pivot: "canvas" }, { if_empty: "keep" }, { scale_x: 2 }]) {
    const edits = [{ edit: "transform", select: { indices: [1] }, ...more }];
    assert.deepEqual(transformed(edits, [1], { move: [1, 1] }).length, 2);
    assert.deepEqual(transformed(edits, [1], { move: [1, 1] })[0], edits[0]);
  }
});

test("a merged transform does what its parts do", () => {
  const gaussians = [[0.1, 0.2, 0.3, -0.5, 0.1], [0.05, 0.05, 0, 0.2, 0.4], [0.3, 0.1, -0.2, 0, 0]];
  const parts = [{ move_x: 12, move_y: -3 }, { scale_x: 1.5, scale_y: 1.5 }, { rotate: 30 }, { move_x: 5 }];
  const wide = areaOf({ canvas: [300, 200], tile: 256, grid: [2, 1] });
  const stepwise = parts.reduce((tokens, part) => transform(tokens, [0, 1], part, wide), gaussians);
  const whole = transform(gaussians, [0, 1], Object.assign({}, ...parts, { move_x: 17 }), wide);
  stepwise.forEach((gaussian, i) => near(gaussian, whole[i]));
  assert.equal(whole[2], gaussians[2]);
});

test("a quarter turn swaps the sides of an ellipse", () => {
  const [turned] = transform([[0.1, 0.2, 0.3, 0.5, 0.5]], [0], { rotate: 90 }, area);
  near(turned, [0.2, 0.1, -0.3, 0.5, 0.5]);
});

test("an ellipse lies where its token's distance is one sigma", () => {
  const gaussian = [0.2, 0.1, 0.6, 0.1, -0.3];
  const { x, y, long, short, angle } = ellipse(gaussian, area);
  near([x, y], centre(gaussian, area));
  for (const t of [0, 1, 2, 3, 4, 5]) {
    const [u, v] = [long * Math.cos(t), short * Math.sin(t)];
    const place = [x + u * Math.cos(angle) - v * Math.sin(angle), y + u * Math.sin(angle) + v * Math.cos(angle)];
    near([distance(gaussian, area, place)], [1]);
  }
});

test("coordinates span the tiles from centre to centre", () => {
  near(centre([1, 1, 0, -1, -1], area), [0.5, 0.5]);
  near(centre([1, 1, 0, 1, 1], area), [255.5, 255.5]);
});

test("the server's answer replaces a guess, and other tokens replace all answers", () => {
  const tokens = new Tokens();
  const start = [[0.1, 0.1, 0, 0, 0], [0.1, 0.1, 0, 0.5, 0.5]];
  assert.deepEqual(tokens.shown([]), []);
  tokens.before(start, area);
  const edits = deleted([], [0]);
  assert.deepEqual(tokens.shown(edits), [start[1]]);
  const answer = [[0.2, 0.2, 0, 0.4, 0.4]];
  tokens.after(edits, answer);
  assert.deepEqual(tokens.shown(edits), answer);
  tokens.before(structuredClone(start), area);
  assert.deepEqual(tokens.shown(edits), answer);
  assert.equal(tokens.shown(duplicated(edits, [0], [8, 8])).length, 2);
  assert.deepEqual(tokens.shown([]), start);
  tokens.before([start[1]], area);
  assert.deepEqual(tokens.shown(edits), []);
});

test("an edit of a kind that only the server knows changes nothing yet", () => {
  const tokens = new Tokens();
  tokens.before([[0.1, 0.1, 0, 0, 0]], area);
  assert.equal(tokens.shown([{ edit: "delete", select: { region: [0, 0, 9, 9] } }, null, 3]).length, 1);
});
