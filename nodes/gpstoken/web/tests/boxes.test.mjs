// The boxes that gestures make.

import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

// As the server has it, the page's files lie beside those of packs.
const lite = new URL("../../../../host/src/serve/lite/", import.meta.url).href;
const hook = `export const resolve = (name, context, next) => next(name.replace("../../lite/", "${lite}"), context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { between, moved, scaled } = await import("../_boxes.js");

test("a box has whole pixels of the canvas", () => {
  assert.deepEqual(between([60.4, -7], [10.6, 300]), [11, 0, 60, 256]);
});

test("a box keeps its size when it is moved against the border", () => {
  assert.deepEqual(moved([10, 20, 50, 60], [-30, 500]), [0, 216, 40, 256]);
});

test("a box is scaled about its middle, and does not vanish", () => {
  assert.deepEqual(scaled([90, 90, 110, 130], 2), [80, 70, 120, 150]);
  assert.deepEqual(scaled([90, 90, 92, 92], 0.1), [89, 89, 93, 93]);
});
