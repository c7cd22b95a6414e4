// The picture of which a square is chosen: moved and made larger by mouse, wheel, fingers and keys.
import { boxOf, LARGEST, largest, moved, zoomed } from "./crop.js";

const STEP = 1.1; // of the wheel and the keys
const KEY_STEP = 0.05; // of the side
const KEYS = {
  ArrowLeft: [-KEY_STEP, 0],
  ArrowRight: [KEY_STEP, 0],
  ArrowUp: [0, -KEY_STEP],
  ArrowDown: [0, KEY_STEP],
};
const ZOOMS = { "+": STEP, "=": STEP, "-": 1 / STEP };

export class FaceStage {
  #element;
  #canvases; // that show it, in whatever size
  #slider;
  #picture = null;
  #square = null;
  #fingers = new Map(); // pointer id → {x, y}

  constructor(element, { canvases, slider }) {
    this.#element = element;
    this.#canvases = canvases;
    this.#slider = slider;
    Object.assign(slider, { min: 0, max: 100, step: 1 });
  }

  connect() {
    for (const [name, listen] of this.#listeners) this.#element.addEventListener(name, listen);
    this.#slider.addEventListener("input", this.#onSlider);
  }

  disconnect() {
    for (const [name, listen] of this.#listeners) this.#element.removeEventListener(name, listen);
    this.#slider.removeEventListener("input", this.#onSlider);
    this.clear();
  }

  get isEmpty() {
    return this.#picture === null;
  }

  /** Show a bitmap, which is closed with it. */
  show(picture) {
    this.clear();
    this.#picture = picture;
    this.#put(largest(picture));
  }

  clear() {
    this.#picture?.close();
    [this.#picture, this.#square] = [null, null];
    this.#fingers.clear();
  }

  /** Draw the square into a canvas; what is transparent is white. */
  draw(canvas) {
    const { left, top, side } = boxOf(this.#square);
    const { width, height } = canvas;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(this.#picture, left, top, side, side, 0, 0, width, height);
  }

  get #listeners() {
    return Object.entries({
      pointerdown: this.#onDown,
      pointermove: this.#onMove,
      pointerup: this.#onUp,
      pointercancel: this.#onUp,
      wheel: this.#onWheel,
      keydown: this.#onKey,
    });
  }

  #put(square) {
    this.#square = square;
    this.#slider.value = 100 * Math.log(square.zoom) / Math.log(LARGEST);
    for (const canvas of this.#canvases) this.draw(canvas);
  }

  #onSlider = () => {
    if (!this.isEmpty) this.#put(zoomed(this.#square, LARGEST ** (this.#slider.value / 100)));
  };

  #onDown = (event) => {
    if (this.isEmpty || event.button > 0) return;
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#element.setPointerCapture(event.pointerId);
  };

  #onMove = (event) => {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const [other] = [...this.#fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.#fingers.set(event.pointerId, now);
    const { width } = this.#element.getBoundingClientRect();
    const fingers = other ? 2 : 1; // of two, each moves it half as far
    const [across, down] = [before.x - now.x, before.y - now.y];
    this.#put(moved(this.#square, across / width / fingers, down / width / fingers));
    if (!other) return;
    const factor = distance(now, other) / Math.max(1, distance(before, other));
    this.#zoom(factor, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  };

  #onUp = ({ pointerId }) => this.#fingers.delete(pointerId);

  #onWheel = (event) => {
    if (this.isEmpty) return;
    event.preventDefault();
    this.#zoom(event.deltaY < 0 ? STEP : 1 / STEP, { x: event.clientX, y: event.clientY });
  };

  #onKey = (event) => {
    if (this.isEmpty || event.ctrlKey || event.altKey || event.metaKey) return;
    const direction = KEYS[event.key];
    const factor = ZOOMS[event.key];
    if (direction) this.#put(moved(this.#square, ...direction));
    else if (factor) this.#put(zoomed(this.#square, this.#square.zoom * factor));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  /** Zoom so that what is at a point of the window stays there. */
  #zoom(factor, point) {
    const { left, top, width, height } = this.#element.getBoundingClientRect();
    const across = (point.x - left) / width - 0.5;
    const down = (point.y - top) / height - 0.5;
    this.#put(zoomed(this.#square, this.#square.zoom * factor, across, down));
  }
}

function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
