// A picture that fingers, the wheel and a double click make larger, and that can be moved then.
const LARGEST = 8;
const DOUBLED = 2.5;
const STEP = 1.25;
const TAPPING = 300; // ms between two taps that are one act
const NEAR = 24; // px between them

export class Zoom {
  #element;
  #scale = 1;
  #x = 0;
  #y = 0;
  #fingers = new Map(); // pointer id → {x, y}
  #tap = null; // the last one of a finger: {at, x, y}

  constructor(element) {
    this.#element = element;
  }

  get isLarger() {
    return this.#scale > 1;
  }

  connect() {
    for (const [name, listen] of this.#listeners) this.#element.addEventListener(name, listen);
  }

  disconnect() {
    for (const [name, listen] of this.#listeners) this.#element.removeEventListener(name, listen);
  }

  reset() {
    this.#fingers.clear();
    [this.#scale, this.#x, this.#y] = [1, 0, 0];
    this.#show();
  }

  /** Make it larger or smaller by a step. */
  step(direction) {
    this.#zoom(STEP ** direction, this.#middle);
  }

  get #listeners() {
    return Object.entries({
      pointerdown: this.#onDown,
      pointermove: this.#onMove,
      pointerup: this.#onUp,
      pointercancel: this.#onLost,
      dblclick: this.#onDouble,
      wheel: this.#onWheel,
    });
  }

  get #picture() {
    return this.#element.querySelector("img");
  }

  get #middle() {
    const { left, top, width, height } = this.#element.getBoundingClientRect();
    return { x: left + width / 2, y: top + height / 2 };
  }

  #onDown = (event) => {
    if (!this.#picture) return;
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#element.setPointerCapture(event.pointerId);
  };

  #onMove = (event) => {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const [other] = [...this.#fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.#fingers.set(event.pointerId, now);
    if (other) {
      const between = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      this.#zoom(distance(now, other) / Math.max(1, distance(before, other)), between);
    } else if (this.isLarger) {
      this.#x += now.x - before.x;
      this.#y += now.y - before.y;
      this.#show();
    }
  };

  /** Not every browser tells of the double tap of a finger. */
  #onUp = ({ pointerId, pointerType, clientX: x, clientY: y, timeStamp: at }) => {
    const isAlone = this.#fingers.size === 1;
    this.#fingers.delete(pointerId);
    if (pointerType !== "touch" || !isAlone) return;
    const last = this.#tap;
    this.#tap = { at, x, y };
    if (!last || at - last.at > TAPPING || distance(last, { x, y }) > NEAR) return;
    this.#tap = null;
    this.#toggle({ x, y });
  };

  #onLost = ({ pointerId }) => this.#fingers.delete(pointerId);

  #onDouble = ({ clientX: x, clientY: y, sourceCapabilities }) => {
    if (!sourceCapabilities?.firesTouchEvents) this.#toggle({ x, y });
  };

  #toggle({ x, y }) {
    if (!this.#picture) return;
    if (this.isLarger) this.reset();
    else this.#zoom(DOUBLED, { x, y });
  }

  #onWheel = (event) => {
    if (!this.#picture) return;
    event.preventDefault();
    this.#zoom(event.deltaY < 0 ? STEP : 1 / STEP, { x: event.clientX, y: event.clientY });
  };

  /** Zoom so that what is at a point of the window stays there. */
  #zoom(factor, point) {
    const scale = Math.min(LARGEST, Math.max(1, this.#scale * factor));
    const middle = this.#middle;
    const grown = scale / this.#scale;
    this.#x = (point.x - middle.x) * (1 - grown) + this.#x * grown;
    this.#y = (point.y - middle.y) * (1 - grown) + this.#y * grown;
    this.#scale = scale;
    if (scale === 1) [this.#x, this.#y] = [0, 0];
    this.#show();
  }

  #show() {
    const picture = this.#picture;
    if (!picture) return;
    const move = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    picture.style.transform = this.isLarger ? move : "";
  }
}

function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
