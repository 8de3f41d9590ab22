// Which tokens a gesture selects.

import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOf } from "../_gaussians.js";
import { enclosed, hull, inside, isOn, tokenAt } from "../_select.js";

const area = areaOf({});
const at = (x, y) => [0.01, 0.01, 0, (x - 0.5) / 127.5 - 1, (y - 0.5) / 127.5 - 1];
const tokens = [at(20, 20), at(60, 20), at(60, 60), at(20, 60), at(40, 40), at(200, 200)];

test("a press takes the nearest centre within reach on the screen", () => {
  assert.equal(tokenAt(tokens, area, [22, 21], 1), 0);
  assert.equal(tokenAt(tokens, area, [26, 20], 1), 0);
  assert.equal(tokenAt(tokens, area, [26, 20], 4), -1);
  assert.equal(tokenAt([[0, 0, 0, -1, -1]], area, [0.5, 0.5], 1), -1);
});

test("a lasso catches the centres inside, also when it is not convex", () => {
  assert.deepEqual(inside(tokens, area, [[10, 10], [70, 10], [70, 70], [10, 70]]), [0, 1, 2, 3, 4]);
  assert.deepEqual(inside(tokens, area, [[10, 10], [70, 10], [70, 70], [50, 30], [10, 30]]), [0, 1]);
  assert.deepEqual(inside(tokens, area, [[10, 10]]), []);
});

test("a straight drag stands for the rectangle between its ends", () => {
  assert.deepEqual(enclosed([[10, 10], [40, 41], [70, 70]]), [[10, 10], [70, 10], [70, 70], [10, 70]]);
  assert.deepEqual(inside(tokens, area, enclosed([[70, 10], [10, 70]])), [0, 1, 2, 3, 4]);
  const loop = [[10, 10], [70, 10], [70, 70], [10, 70], [10, 14]];
  assert.deepEqual(enclosed(loop), loop);
  const half = [[10, 10], [70, 10], [70, 70]];
  assert.deepEqual(enclosed(half), half);
});

test("the ground between selected tokens belongs to the selection", () => {
  assert.equal(hull(tokens, area, [0, 1, 2, 3, 4]).length, 4);
  assert.ok(isOn(tokens, area, [0, 1, 2, 3], [30, 50]));
  assert.ok(!isOn(tokens, area, [0, 1, 2, 3], [80, 50]));
  assert.ok(isOn(tokens, area, [5], [200.5, 200]));
  assert.ok(!isOn(tokens, area, [], [20, 20]));
});
