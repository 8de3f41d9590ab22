// The editors of this pack for the page /lite, by the classes of their nodes. Each is loaded when it is needed.

export const widgets = [
  {
    class: "gpstoken.EditTokens",
    inputs: ["edits"],
    make: async (host) => new (await import("./_tokens.js")).TokenCanvas(host),
  },
  {
    class: "gpstoken.BoxLayout",
    inputs: ["boxes"],
    make: async (host) => new (await import("./_boxes.js")).Boxes(host),
  },
];
