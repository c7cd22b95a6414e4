// The page of all files of a chat: its pictures open over the window, too.
import { Lightbox } from "./lightbox.js";
import { Posters } from "./posters.js";

export class Gallery {
  #api;
  #lightbox = null;
  #posters = null;

  constructor(api) {
    this.#api = api;
  }

  connect() {
    this.disconnect();
    const list = document.getElementById("gallery");
    if (!list) return;
    const username = () => list.closest("[data-with]").dataset.with;
    this.#lightbox = new Lightbox({ api: this.#api, username, list });
    this.#lightbox.connect();
    this.#posters = new Posters(list);
    this.#posters.connect();
  }

  /** Close the picture that is open over the page; false if there is none. */
  rest() {
    return this.#lightbox?.rest() ?? false;
  }

  disconnect() {
    this.#lightbox?.disconnect();
    this.#posters?.disconnect();
    this.#lightbox = this.#posters = null;
  }
}
