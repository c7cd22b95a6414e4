// The page of all files of a chat: its pictures open over the window, too.
import { Lightbox } from "./lightbox.js";

export class Gallery {
  #api;
  #lightbox = null;

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
  }

  disconnect() {
    this.#lightbox?.disconnect();
    this.#lightbox = null;
  }
}
