// Messages from the server, shown in the open conversation.
import { text } from "../strings.js";
import { preview } from "./attachment.js";
import { isMine } from "./message.js";

export class Incoming {
  #element;
  #outbox;
  #thread;
  #pages;
  #typing;
  #readMark;
  #menu;

  constructor(element, { outbox, thread, pages, typing, readMark, menu }) {
    this.#element = element;
    this.#outbox = outbox;
    this.#thread = thread;
    this.#pages = pages;
    this.#typing = typing;
    this.#readMark = readMark;
    this.#menu = menu;
  }

  take(message) {
    if (isMine(message)) this.#outbox.arrived(message.client_id);
    if (!this.#isHere(message)) return;
    const isNew = !this.#thread.order.has(message.id);
    if (this.#pages.hasNewer && isNew) {
      // Its place is below the loaded messages.
      if (!isMine(message)) this.#thread.place.offer(message.id);
      return;
    }
    this.#thread.put(message);
    if (isNew && !isMine(message)) {
      this.#typing.hide();
      this.#announce(message);
      this.#readMark.mark();
    }
  }

  /** Show that a message was recalled or removed. */
  change(message) {
    if (!this.#isHere(message)) return;
    this.#thread.showQuoted(message);
    if (!this.#thread.order.has(message.id)) return;
    this.#thread.put(message);
    if (message.state === "recalled" && this.#menu.canEdit(message.id)) {
      this.#thread.offerEdit(message.id);
    }
  }

  #isHere(message) {
    return message.with === this.#element.dataset.with;
  }

  #announce(message) {
    const name = this.#element.querySelector(".conversation-name").textContent;
    document.getElementById("announce").textContent = name + text("colon") + preview(message);
  }
}
