// The editors of this pack for the page /lite, by the classes of their nodes. Each is loaded when it is needed.

export const widgets = [
  {
    class: "std.StrokesMask",
    inputs: ["strokes"],
    make: async (host) => new (await import("./_strokes.js")).Strokes(host),
  },
  {
    class: "std.EllipseMask",
    inputs: ["x", "y", "radius_x", "radius_y", "angle"],
    make: async (host) => new (await import("./_ellipse.js")).Ellipse(host),
  },
];
