// The first picture of each film that comes into view: its element alone would show a dark box.
import { lookAtFilm } from "./choice.js";

export class Posters {
  #list;
  #waiting = new Set(); // links, in the order in which they came into view
  #isBusy = false;
  #seen = new IntersectionObserver((entries) => this.#onSeen(entries));
  #changes = new MutationObserver(() => this.#watch());

  constructor(list) {
    this.#list = list;
  }

  connect() {
    if (navigator.connection?.saveData) return;
    this.#changes.observe(this.#list, { childList: true, subtree: true });
    this.#watch();
  }

  disconnect() {
    this.#changes.disconnect();
    this.#seen.disconnect();
    this.#waiting.clear();
  }

  #watch() {
    for (const link of this.#list.querySelectorAll(".attachment.video[href]:not(.drawn)")) {
      this.#seen.observe(link);
    }
  }

  #onSeen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#waiting.add(target);
      else this.#waiting.delete(target);
    }
    this.#drawAll();
  }

  /** Draw one after the other: each takes a connection, of which a browser has six. */
  async #drawAll() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (const link of this.#waiting) {
      this.#waiting.delete(link);
      this.#seen.unobserve(link);
      link.classList.add("drawn");
      const found = await lookAtFilm(link.href);
      if (found) link.querySelector("video").after(found.thumbnail);
    }
    this.#isBusy = false;
  }
}
