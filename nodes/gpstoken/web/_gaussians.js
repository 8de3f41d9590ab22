// The geometry of tokens: coordinates, ellipses, and what the edits of EditTokens do to them. Mirrors `src/edit/affine.rs`.
//
// A gaussian is [sigma_x, sigma_y, rho, x, y]. Coordinates of -1..1 span all tiles, from the centre of the first pixel to the
// centre of the last one. Pixel i covers i..i + 1.

/** The area on which tokens lie, from the header of their record. */
export function areaOf(header) {
  const tile = header.tile ?? 256;
  const grid = header.grid ?? [1, 1];
  const size = header.canvas ?? [256, 256];
  return { size, unit: grid.map((tiles) => Math.max(tiles * tile - 1, 1) / 2) };
}

/** The gaussians of the first picture of a record, without padding. */
export function gaussiansOf(record) {
  const { shape, data } = record.tensors.gaussians;
  const used = record.tensors.counts?.data[0] ?? shape[1];
  return Array.from({ length: used }, (_, i) => data.slice(i * 5, i * 5 + 5));
}

/** The centre of a token in pixels. */
export function centre([, , , x, y], { unit }) {
  return [(x + 1) * unit[0] + 0.5, (y + 1) * unit[1] + 0.5];
}

/** Whether a token can be splatted. */
export function isUsable(gaussian) {
  const [sigmaX, sigmaY, rho] = gaussian;
  return gaussian.every(Number.isFinite) && sigmaX > 0 && sigmaY > 0 && Math.abs(rho) < 1;
}

/** The ellipse at one sigma in pixels: centre, both radii and the angle of the first one. */
export function ellipse(gaussian, area) {
  const [x, y] = centre(gaussian, area);
  const [sx, sy] = [gaussian[0] * area.unit[0], gaussian[1] * area.unit[1]];
  const [xx, xy, yy] = [sx * sx, gaussian[2] * sx * sy, sy * sy];
  const middle = (xx + yy) / 2;
  const half = Math.hypot((xx - yy) / 2, xy);
  const angle = Math.atan2(2 * xy, xx - yy) / 2;
  return { x, y, long: Math.sqrt(middle + half), short: Math.sqrt(Math.max(middle - half, 0)), angle };
}

/** The distance of a place in pixels from a token, in sigmas. */
export function distance(gaussian, area, [x, y]) {
  const [cx, cy] = centre(gaussian, area);
  const [u, v] = [(x - cx) / (gaussian[0] * area.unit[0]), (y - cy) / (gaussian[1] * area.unit[1])];
  const rho = gaussian[2];
  return Math.sqrt(Math.max(u * u - 2 * rho * u * v + v * v, 0) / (1 - rho * rho));
}

/** The mean centre of tokens, in coordinates. */
export function pivot(gaussians, indices) {
  const usable = indices.filter((i) => gaussians[i] && isUsable(gaussians[i]));
  const mean = (axis) => usable.reduce((sum, i) => sum + gaussians[i][axis], 0) / Math.max(usable.length, 1);
  return [mean(3), mean(4)];
}

/** The gaussians after a transform about the centre of the selected tokens. */
export function transform(gaussians, indices, edit, { unit: [ux, uy] }) {
  const { move_x = 0, move_y = 0, scale_x = 1, scale_y = 1, rotate = 0 } = edit;
  const angle = (rotate * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [a, b, c, d] = [cos * scale_x, (-sin * scale_y * uy) / ux, (sin * scale_x * ux) / uy, cos * scale_y];
  const [px, py] = pivot(gaussians, indices);
  const selected = new Set(indices);
  return gaussians.map((gaussian, index) => {
    if (!selected.has(index) || !isUsable(gaussian)) return gaussian;
    const [sx, sy, rho, x, y] = gaussian;
    const [xx, xy, yy] = [sx * sx, rho * sx * sy, sy * sy];
    const toX = Math.sqrt(a * a * xx + 2 * a * b * xy + b * b * yy);
    const toY = Math.sqrt(c * c * xx + 2 * c * d * xy + d * d * yy);
    const toRho = (a * c * xx + (a * d + b * c) * xy + b * d * yy) / (toX * toY);
    const [dx, dy] = [x - px, y - py];
    const place = [px + a * dx + b * dy + move_x / ux, py + c * dx + d * dy + move_y / uy];
    return [toX, toY, Math.min(Math.max(toRho, -1 + 1e-6), 1 - 1e-6), ...place];
  });
}
