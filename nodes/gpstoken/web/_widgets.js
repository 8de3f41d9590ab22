// The editors of this pack: the class of a node, the inputs that its editor sets, and the editor.

import { Boxes } from "./_boxes.js";
import { TokenCanvas } from "./_tokens.js";

export const widgets = [
  { class: "gpstoken.EditTokens", inputs: ["edits"], make: (host) => new TokenCanvas(host) },
  { class: "gpstoken.BoxLayout", inputs: ["boxes"], make: (host) => new Boxes(host) },
];
