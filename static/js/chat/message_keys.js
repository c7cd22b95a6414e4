// The messages by the keyboard: one tab stop, at the menu of a message, and arrows between them.
import { Roving } from "../page/roving.js";

export class MessageKeys {
  #list = document.getElementById("messages");
  #roving = new Roving(this.#list, {
    group: ".message",
    item: ".message-more",
    choose: (items) => items[items.length - 1],
  });

  connect() {
    // The way to older messages is the arrow up, and the thread scrolls around whatever has the focus.
    for (const id of ["thread", "older"]) document.getElementById(id).tabIndex = -1;
    this.#list.addEventListener("focusin", this.#onFocus);
    this.#roving.connect();
  }

  disconnect() {
    this.#list.removeEventListener("focusin", this.#onFocus);
    this.#roving.disconnect();
  }

  /** Let a screen reader say which message the menu is of. */
  #onFocus = ({ target }) => {
    if (!target.matches(".message-more")) return;
    const body = target.closest(".message-body");
    const { id, clientId } = target.closest(".message").dataset;
    body.id ||= `message-${id || clientId}`;
    target.setAttribute("aria-describedby", body.id);
  };
}
