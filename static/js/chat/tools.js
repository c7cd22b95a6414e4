// What one does in a conversation beside reading and writing: emoji, forwarding, selecting.
import { Choosing } from "../files/choosing.js";
import { Lightbox } from "../files/lightbox.js";
import { Posters } from "../files/posters.js";
import { Voices } from "../files/voices.js";
import { EmojiPanel } from "./emoji.js";
import { Forwarding } from "./forwarding.js";
import { Selecting } from "./selecting.js";

export class Tools {
  #emoji;
  #forwarding;
  #selecting;
  #choosing;
  #lightbox;
  #posters;
  #voices = new Voices();

  /**
   * `insert` gets emoji, `show` the letters that may go to the open chat, whose last messages `toEnd`
   * leads to; `keys` rest meanwhile.
   */
  constructor(
    element,
    { api, thread, pages, outbox, uploads, store, clock, keys, insert, show, toEnd },
  ) {
    this.#emoji = new EmojiPanel(insert);
    this.#forwarding = new Forwarding({ outbox, store, clock, show });
    const forwarding = this.#forwarding;
    this.#selecting = new Selecting(element, { api, thread, forwarding, keys });
    const username = () => element.dataset.with;
    const shown = { thread, pages, username, toEnd };
    this.#choosing = new Choosing(element, { uploads, clock, ...shown });
    const list = document.getElementById("messages");
    this.#lightbox = new Lightbox({ api, username, list });
    this.#posters = new Posters(list);
  }

  connect() {
    this.#emoji.connect();
    this.#forwarding.connect();
    this.#choosing.connect();
    this.#lightbox.connect();
    this.#posters.connect();
    this.#voices.connect();
  }

  /** Show the files on their way, where the thread has reached its end. */
  showUploads() {
    this.#choosing.showUploads();
  }

  /** As the click on the button that came before the script. */
  chooseFiles() {
    this.#choosing.open();
  }

  /** Files that were dropped before the script was there. */
  offerDropped(dropped) {
    this.#choosing.offerDropped(dropped);
  }

  /** As the click on its button that came before the panel. */
  toggleEmoji(click) {
    this.#emoji.toggle(click);
  }

  forward(messages) {
    this.#forwarding.forward(messages);
  }

  select(message) {
    this.#selecting.begin(message);
  }

  /** Leave the mode that the reader is in; false if there is none. */
  rest() {
    return this.#lightbox.rest() || this.#choosing.rest() || this.#selecting.rest();
  }

  disconnect() {
    this.#emoji.disconnect();
    this.#selecting.disconnect();
    this.#forwarding.disconnect();
    this.#choosing.disconnect();
    this.#lightbox.disconnect();
    this.#posters.disconnect();
    this.#voices.disconnect();
  }
}
