// The line that says that the other side is typing.
const SHOWN = 5_000; // ms after the last note of it

export class Typing {
  #element;
  #line;
  #timer;

  constructor(element) {
    this.#element = element;
    this.#line = element.querySelector(".conversation-typing");
  }

  hear(from) {
    if (from !== this.#element.dataset.with) return;
    clearTimeout(this.#timer);
    this.#line.hidden = false;
    this.#timer = setTimeout(() => this.hide(), SHOWN);
  }

  hide() {
    clearTimeout(this.#timer);
    this.#line.hidden = true;
  }

  disconnect() {
    clearTimeout(this.#timer);
  }
}
