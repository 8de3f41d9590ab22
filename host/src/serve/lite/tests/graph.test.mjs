// Searching graphs, and undo.

import assert from "node:assert/strict";
import { test } from "node:test";
import { feeding, pictureAfter } from "../graph.js";
import { History } from "../history.js";

const classes = {
  Load: { output_name: ["image", "mask"], output: ["IMAGE", "MASK"] },
  Edit: { output_name: ["tokens"], output: ["TOKENS"] },
  Splat: { output_name: ["map"], output: ["MAP"] },
  Decode: { output_name: ["image"], output: ["IMAGE"] },
};
const graph = {
  a: { class_type: "Load", inputs: { path: "a.png", size: [4, 5] } },
  b: { class_type: "Edit", inputs: { image: ["a", 0], mask: ["a", "mask"] } },
  c: { class_type: "Splat", inputs: { many: [["b", 0]] } },
  d: { class_type: "Decode", inputs: { map: ["c", "map"] } },
};

test("links name an output by its index or its name", () => {
  assert.deepEqual(feeding(graph, classes, "b", "image"), { node: "a", output: "image" });
  assert.deepEqual(feeding(graph, classes, "b", "mask"), { node: "a", output: "mask" });
  assert.equal(feeding(graph, classes, "a", "size"), null);
  assert.equal(feeding(graph, {}, "b", "image"), null);
  assert.equal(feeding(graph, classes, "z", "image"), null);
});

test("the next picture is that of the nearest node after one", () => {
  assert.deepEqual(pictureAfter(graph, classes, "b"), { node: "d", output: "image" });
  assert.deepEqual(pictureAfter(graph, classes, "a"), { node: "d", output: "image" });
  assert.equal(pictureAfter(graph, classes, "d"), null);
  const round = { x: { class_type: "Edit", inputs: { a: ["y", 0] } }, y: { class_type: "Edit", inputs: { a: ["x", 0] } } };
  assert.equal(pictureAfter(round, classes, "x"), null);
});

test("a gesture is undone as a whole, and a new value ends redo", () => {
  const history = new History(0);
  history.add(1, "wheel");
  history.add(2, "wheel");
  history.add(3);
  assert.equal(history.go(-1), 2);
  assert.equal(history.go(-1), 0);
  assert.equal(history.go(-1), undefined);
  assert.equal(history.go(1), 2);
  history.add(9, "wheel");
  assert.equal(history.go(1), undefined);
  assert.equal(history.go(-1), 2);
});
