// Say above the page that there is no connection.
import { text } from "../strings.js";

const SHOWN_AFTER = 3_000; // ms; a short hiccup is not shown

export class Trouble {
  #element = document.getElementById("connection");
  #timer = null;

  /** Whether it was said, or is about to be. */
  get isOn() {
    return this.#timer !== null;
  }

  /** Say it soon. */
  begin() {
    this.#timer ??= setTimeout(() => this.#say(), SHOWN_AFTER);
  }

  /** Say it at once: the browser itself knows that there is no network. */
  beginNow() {
    this.begin();
    this.#say();
  }

  /** Say what is true now, if anything is said. */
  update() {
    if (this.isOn && !this.#element.hidden) this.#say();
  }

  end() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#element.hidden = true;
  }

  #say() {
    const isOffline = globalThis.navigator?.onLine === false;
    this.#element.textContent = text(isOffline ? "no_network" : "reconnecting");
    this.#element.hidden = false;
  }
}
