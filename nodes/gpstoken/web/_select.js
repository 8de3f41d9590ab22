// Which tokens a gesture selects.

import { centre, distance, isUsable } from "./_gaussians.js";

/** How near a press must be, in pixels of the screen. */
const REACH = 9;

/** The token to take at a place, or -1. `scale` is the size of a pixel on the screen. */
export function tokenAt(gaussians, area, place, scale) {
  let [best, least] = [-1, REACH / scale];
  gaussians.forEach((gaussian, index) => {
    if (!isUsable(gaussian)) return;
    const [x, y] = centre(gaussian, area);
    const away = Math.hypot(x - place[0], y - place[1]);
    if (away < least) [best, least] = [index, away];
  });
  return best;
}

/** Whether a place lies in or between tokens of a selection. */
export function isOn(gaussians, area, indices, place) {
  const near = (index) => isUsable(gaussians[index]) && distance(gaussians[index], area, place) <= 1;
  return indices.some(near) || holds(hull(gaussians, area, indices), place);
}

/** The convex hull of the centres of tokens. */
export function hull(gaussians, area, indices) {
  const places = indices.filter((index) => isUsable(gaussians[index])).map((index) => centre(gaussians[index], area));
  places.sort(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const isLeft = ([ox, oy], [ax, ay], [bx, by]) => (ax - ox) * (by - oy) - (ay - oy) * (bx - ox) <= 0;
  const half = (ordered) => {
    const line = [];
    for (const place of ordered) {
      while (line.length > 1 && isLeft(line.at(-2), line.at(-1), place)) line.pop();
      line.push(place);
    }
    return line.slice(0, -1);
  };
  return [...half(places), ...half(places.toReversed())];
}

/** The tokens whose centres lie in a closed line. */
export function inside(gaussians, area, line) {
  return gaussians.flatMap((gaussian, index) => (isUsable(gaussian) && holds(line, centre(gaussian, area)) ? [index] : []));
}

/** What a drag encloses: its line, or its rectangle if it is straight. */
export function enclosed(line) {
  const [[x0, y0], [x1, y1]] = [line[0], line.at(-1)];
  const twice = line.reduce((sum, [x, y], i) => sum + line.at(i - 1)[0] * y - x * line.at(i - 1)[1], 0);
  const box = Math.abs((x1 - x0) * (y1 - y0));
  return Math.abs(twice) < 0.4 * box ? [[x0, y0], [x1, y0], [x1, y1], [x0, y1]] : line;
}

/** Whether a place lies in a closed line. */
function holds(line, [x, y]) {
  let odd = false;
  line.forEach(([x1, y1], i) => {
    const [x0, y0] = line.at(i - 1);
    if (y1 > y !== y0 > y && x < ((x0 - x1) * (y - y1)) / (y0 - y1) + x1) odd = !odd;
  });
  return odd;
}
