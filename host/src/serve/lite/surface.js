// A picture that is edited with mouse, touch and keyboard: what the editors of inputs share.
//
// Places are in pixels of the picture. An editor is told about gestures and draws over the picture.

const DOWN = 3; // pixels of the screen that a press may move and still be a click

function element(name, style, more = {}) {
  const made = Object.assign(document.createElement(name), more);
  Object.assign(made.style, style);
  return made;
}

const BUTTON = {
  font: "inherit", color: "#fff", background: "#333", border: "1px solid #888", borderRadius: "4px", padding: "2px 7px",
  minHeight: "26px", cursor: "pointer",
};

/** The surface of an editor with `label`, `help`, `actions` [{text, label, run}], and what it does on gestures. */
export class Surface {
  size = [256, 256];
  #editor;
  #image = null;
  #address = null;
  #pressed = null;
  #dirty = false;

  constructor(editor) {
    this.#editor = editor;
    this.element = element("div", {
      display: "flex", flexDirection: "column", gap: "6px", width: "100%", height: "100%", minHeight: "0",
      font: "13px/1.35 system-ui, sans-serif", color: "#eee", background: "#151515", padding: "6px", borderRadius: "6px",
      boxSizing: "border-box", overflow: "auto",
    });
    this.canvas = element("canvas", {
      width: "100%", flex: "1 1 0", minHeight: "200px", background: "#000", borderRadius: "4px", touchAction: "none",
      cursor: "crosshair", display: "block",
    });
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", `${editor.label}. ${editor.help}`);
    // The front end passes wheels on this element to it, and does not zoom.
    this.canvas.dataset.captureWheel = "true";
    this.canvas.dataset.testid = editor.testid;
    const bar = element("div", { display: "flex", flexWrap: "wrap", gap: "4px", alignItems: "center" });
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", editor.label);
    for (const { text, label, run } of editor.actions) {
      const button = element("button", BUTTON, { type: "button", textContent: text, title: label, onclick: run });
      button.setAttribute("aria-label", label);
      bar.append(button);
    }
    this.status = element("span", { marginLeft: "auto", fontWeight: "600" });
    this.status.setAttribute("role", "status");
    bar.append(this.status);
    const help = element("div", { color: "#ccc", fontSize: "12px" }, { textContent: editor.help });
    this.element.append(this.canvas, bar, help);
    this.#listen();
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
  }

  /** Says what happened, also to those who can't see it. */
  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  /** Shows the picture at an address behind the drawing, and returns it; null for no address or no picture. */
  async show(address) {
    if (address === this.#address) return this.#image;
    this.#address = address;
    const image = address ? Object.assign(new Image(), { src: address }) : null;
    // A picture that fails to load leaves the old one.
    const loaded = await image?.decode().then(() => true, () => false);
    if (address !== this.#address || loaded === false) return this.#image;
    this.#image = image;
    this.redraw();
    this.canvas.dispatchEvent(new CustomEvent("picture-shown", { bubbles: true }));
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

  /** The scale from pixels of the picture to pixels of the element, and the offset of the picture. */
  #fit(width, height) {
    const scale = Math.min(width / this.size[0], height / this.size[1]) || 1;
    return { scale, left: (width - this.size[0] * scale) / 2, top: (height - this.size[1] * scale) / 2 };
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const dots = Math.min(window.devicePixelRatio || 1, 2);
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

  /** The place of an event. `scale` is the size of a picture's pixel on the screen. */
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
    on("pointermove", (event) => {
      const pressed = this.#pressed;
      if (pressed?.id !== event.pointerId) return;
      pressed.moved ||= Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > DOWN;
      if (pressed.moved) this.#editor.drag?.({ ...this.#place(event), from: pressed.from });
    });
    on("pointerup", (event) => {
      const pressed = this.#pressed;
      if (pressed?.id !== event.pointerId) return;
      this.#pressed = null;
      const at = { ...this.#place(event), from: pressed.from };
      if (pressed.moved) this.#editor.drop?.(at);
      else this.#editor.click?.(at);
    });
    on("pointercancel", (event) => {
      if (this.#pressed?.id !== event.pointerId) return;
      this.#pressed = null;
      this.#editor.cancel?.();
    });
    on("wheel", (event) => {
      if (this.#editor.wheel?.(event.deltaY || event.deltaX, this.#place(event))) event.preventDefault();
    });
    on("keydown", (event) => {
      const control = event.ctrlKey || event.metaKey;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (event.altKey || key === "Control" || key === "Shift" || key === "Meta") return;
      if (this.#editor.key?.(key, { control, shift: event.shiftKey })) event.preventDefault();
    });
    // The front end takes keys on their way up, too.
    on("keyup", () => {});
    on("contextmenu", () => {});
  }
}
