// Which tokens a gesture selects.

import { centre, distance, isUsable } from "./_gaussians.js";

/** A press so near to a token's centre takes this token, in pixels of the screen. */
const REACH = 9;

/** The token to take at a place; -1 for empty ground. `scale` is the size of a pixel on the screen. */
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

/** Whether a place lies in the ellipse of one of the tokens. */
export function isOn(gaussians, area, indices, place) {
  return indices.some((index) => isUsable(gaussians[index]) && distance(gaussians[index], area, place) <= 1);
}

/** The tokens whose centres lie in a closed line. */
export function inside(gaussians, area, line) {
  const holds = ([x, y]) => {
    let odd = false;
    line.forEach(([x1, y1], i) => {
      const [x0, y0] = line.at(i - 1);
      if (y1 > y !== y0 > y && x < ((x0 - x1) * (y - y1)) / (y0 - y1) + x1) odd = !odd;
    });
    return odd;
  };
  return gaussians.flatMap((gaussian, index) => (isUsable(gaussian) && holds(centre(gaussian, area)) ? [index] : []));
}
