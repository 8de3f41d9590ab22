// A picture that is edited with mouse, touch and keyboard: what the editors of inputs share.
//
// Places are in pixels of the picture.

import { el } from "./page.js";

const DOWN = 3; // pixels of the screen that a press may move and still be a click

// The front end's page has no style sheet of ours.
const GROUND =
  "display: flex; flex-direction: column; gap: 6px; width: 100%; height: 100%; min-height: 0; font: 13px/1.35 system-ui, sans-serif; color: #eee; background: #151515; padding: 6px; border-radius: 6px; box-sizing: border-box; overflow: auto";
const CANVAS = "width: 100%; flex: 1 1 0; min-height: 200px; background: #000; touch-action: none; cursor: crosshair";
const BAR = "display: flex; flex-wrap: wrap; gap: 4px; align-items: center";
const BUTTON = "font: inherit; color: #fff; background: #333; border: 1px solid #888; border-radius: 4px; padding: 2px 7px; min-height: 26px; cursor: pointer";

/** Strokes a path that was begun. */
export function stroke(pen, width, colour) {
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.stroke();
}

export class Surface {
  size = [256, 256];
  #editor;
  #image = null;
  #source = null;
  #pressed = null;
  #dirty = false;

  constructor(editor) {
    this.#editor = editor;
    const { label, help, testid, actions } = editor;
    // With `data-capture-wheel`, the front end does not zoom.
    this.canvas = el("canvas", {
      tabIndex: 0, role: "application", "aria-label": `${label}. ${help}`, "data-capture-wheel": "true", "data-testid": testid,
      style: CANVAS,
    });
    const button = ([text, label, ...key]) => {
      const onclick = ({ detail: mouse }) => {
        editor.press(...key);
        // The next key is for the canvas, not for the page around it.
        if (mouse) this.canvas.focus({ preventScroll: true });
      };
      return el("button", { type: "button", title: label, "aria-label": label, onclick, style: BUTTON }, text);
    };
    this.status = el("span", { role: "status", style: "margin-left: auto; font-weight: 600" });
    this.element = el(
      "div",
      { style: GROUND },
      this.canvas,
      el("div", { role: "toolbar", "aria-label": label, style: BAR }, ...actions.map(button), this.status),
      el("div", { style: "color: #ccc; font-size: 12px" }, help),
    );
    this.#listen();
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
  }

  /** Says what happened, also to those who can't see it. */
  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  /** Shows a picture, a Blob or one at an address, and returns it; null for none. A Blob may have an address. */
  async show(source, address = source) {
    if (address === this.#source) return this.#image;
    this.#source = address;
    const load = async () => createImageBitmap(source instanceof Blob ? source : await (await fetch(source)).blob());
    // A picture that fails to load leaves the old one.
    const image = source && (await load().catch(() => false));
    if (address !== this.#source || image === false) return this.#image;
    this.#image?.close();
    this.#image = image;
    this.redraw();
    this.canvas.dispatchEvent(new CustomEvent("picture-shown", { bubbles: true, detail: address }));
    return image;
  }

  /** Draws before the next frame. */
  redraw() {
    if (this.#dirty) return;
    this.#dirty = true;
    requestAnimationFrame(() => {
      this.#dirty = false;
      this.#draw();
    });
  }

  /** From pixels of the picture to those of the element. */
  #fit(width, height) {
    const scale = Math.min(width / this.size[0], height / this.size[1]) || 1;
    return { scale, left: (width - this.size[0] * scale) / 2, top: (height - this.size[1] * scale) / 2 };
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const dots = Math.min(devicePixelRatio, 2);
    const [w, h] = [Math.round(width * dots), Math.round(height * dots)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const { scale, left, top } = this.#fit(width, height);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.translate(left, top);
    pen.fillStyle = "#1c1c1c";
    const [across, down] = [this.size[0] * scale, this.size[1] * scale];
    pen.fillRect(0, 0, across, down);
    if (this.#image) pen.drawImage(this.#image, 0, 0, across, down);
    const told = this.#editor.draw(pen, scale);
    if (!told) return;
    pen.font = "15px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = "#fff";
    pen.fillText(told, across / 2, down / 2);
  }

  /** The place of an event, and the size of a picture's pixel on the screen. */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const { scale, left, top } = this.#fit(box.width, box.height);
    const place = [(event.clientX - box.left - left) / scale, (event.clientY - box.top - top) / scale];
    return { place, scale, shift: event.shiftKey };
  }

  #listen() {
    const on = (name, run) => this.canvas.addEventListener(name, (event) => { event.stopPropagation(); run(event); }, { passive: false });
    on("pointerdown", (event) => {
      if (event.button !== 0 || this.#pressed) return;
      this.canvas.focus({ preventScroll: true });
      this.canvas.setPointerCapture(event.pointerId);
      const at = this.#place(event);
      this.#pressed = { id: event.pointerId, x: event.clientX, y: event.clientY, moved: false, from: at.place };
      this.#editor.down?.(at);
    });
    const held = (name, run) => on(name, (event) => this.#pressed?.id === event.pointerId && run(event, this.#pressed));
    held("pointermove", (event, pressed) => {
      pressed.moved ||= Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > DOWN;
      if (pressed.moved) this.#editor.drag?.({ ...this.#place(event), from: pressed.from });
    });
    held("pointerup", (event, pressed) => {
      this.#pressed = null;
      const at = { ...this.#place(event), from: pressed.from };
      if (pressed.moved) this.#editor.drop?.(at);
      else this.#editor.click?.(at);
    });
    held("pointercancel", () => {
      this.#pressed = null;
      this.#editor.cancel();
    });
    on("wheel", (event) => {
      if (this.#editor.wheel(event.deltaY || event.deltaX, this.#place(event))) event.preventDefault();
    });
    on("keydown", (event) => {
      const control = event.ctrlKey || event.metaKey;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (event.altKey) return;
      if (this.#editor.press(key, { control, shift: event.shiftKey })) event.preventDefault();
    });
    // The front end takes keys on their way up, too.
    on("keyup", () => {});
    on("contextmenu", () => {});
  }
}
