// The strokes and ellipses that gestures make.

import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

// As the server has it, the page's files lie beside those of packs.
const lite = new URL("../../../../host/src/serve/lite/", import.meta.url).href;
const hook = `export const resolve = (name, context, next) => next(name.replace("../../lite/", "${lite}"), context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { thinned } = await import("../_strokes.js");
const { between, isInside } = await import("../_ellipse.js");

test("a stroke keeps its ends, and points two pixels apart", () => {
  assert.deepEqual(thinned([[1, 1]]), [[1, 1]]);
  assert.deepEqual(thinned([[0, 0], [1, 0], [2.04, 0], [3, 0], [3.5, 0]]), [[0, 0], [2, 0], [3.5, 0]]);
});

test("an ellipse lies in the rectangle of a drag", () => {
  assert.deepEqual(between([30, 10], [10, 50]), { x: 20, y: 30, radius_x: 10, radius_y: 20, angle: 0 });
});

test("a turned ellipse holds what it covers", () => {
  const ellipse = { x: 50, y: 50, radius_x: 20, radius_y: 5, angle: 90 };
  assert.ok(isInside(ellipse, [50, 68]));
  assert.ok(!isInside(ellipse, [60, 50]));
});
