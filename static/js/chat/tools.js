// What one does in a conversation beside reading and writing: emoji, forwarding, selecting.
import { EmojiPanel } from "./emoji.js";
import { Forwarding } from "./forwarding.js";
import { Selecting } from "./selecting.js";

export class Tools {
  #emoji;
  #forwarding;
  #selecting;

  /** `insert` gets emoji, `show` the letters that may go to the open chat; `keys` rest meanwhile. */
  constructor(element, { api, thread, outbox, store, clock, keys, insert, show }) {
    this.#emoji = new EmojiPanel(insert);
    this.#forwarding = new Forwarding({ outbox, store, clock, show });
    const forwarding = this.#forwarding;
    this.#selecting = new Selecting(element, { api, thread, forwarding, keys });
  }

  connect() {
    this.#emoji.connect();
    this.#forwarding.connect();
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
    return this.#selecting.rest();
  }

  disconnect() {
    this.#emoji.disconnect();
    this.#selecting.disconnect();
    this.#forwarding.disconnect();
  }
}
