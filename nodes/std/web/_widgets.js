// The editors of this pack: the class of a node, the inputs that its editor sets, and the editor.

import { Ellipse } from "./_ellipse.js";
import { Strokes } from "./_strokes.js";

export const widgets = [
  { class: "std.StrokesMask", inputs: ["strokes"], make: (host) => new Strokes(host) },
  { class: "std.EllipseMask", inputs: ["x", "y", "radius_x", "radius_y", "angle"], make: (host) => new Ellipse(host) },
];
