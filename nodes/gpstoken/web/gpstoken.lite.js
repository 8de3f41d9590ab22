// The editors of this pack, for the page /lite.

export { widgets } from "./_widgets.js";
