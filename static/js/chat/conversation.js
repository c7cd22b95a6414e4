// The open conversation, which hands events to the current visit.
import { MessageMenu } from "./message_menu.js";
import { Visit } from "./visit.js";

export class Conversation {
  #means;
  #visit = null;

  /**
   * `go` leads to an address as a click on a link would, `replace` in place of this one;
   * `readdress` gives the shown page another address.
   */
  constructor({ api, feed, store, outbox, uploads, clock, go, replace, readdress }) {
    const menu = new MessageMenu({ api, clock, go });
    this.#means = { api, feed, store, outbox, uploads, clock, menu, replace, readdress };
  }

  start() {
    this.#on("live:message", (visit, { message }) => visit.incoming.take(message));
    this.#on("live:message_changed", (visit, { message }) => visit.incoming.change(message));
    this.#on("live:message_hidden", (visit, { message_id: id }) => visit.thread.remove(id));
    this.#on("live:typing", (visit, { from }) => visit.typing.hear(from));
    this.#on("live:friend_removed", (visit, event) => visit.friend.lose(event));
    this.#on("live:friend_added", (visit, { friend }) => visit.friend.regain(friend));
    this.#on("live:friend_changed", (visit, event) => visit.friend.change(event));
    this.#on("live:read", (visit, event) => visit.readMark.follow(event));
    this.#on("outbox:sending", (visit, { clientId }) => visit.thread.setState(clientId, "pending"));
    this.#on("outbox:sent", (visit, { message }) => visit.incoming.take(message));
    this.#on("outbox:failed", (visit, failure) => visit.letters.fail(failure));
    document.addEventListener("visibilitychange", () => this.#visit?.readMark.mark());
    addEventListener("focus", () => this.#visit?.readMark.mark());
  }

  connect({ lastEvent, changed }) {
    if (!changed.includes("detail")) return;
    const element = document.getElementById("conversation");
    if (!element) return;
    this.#visit = new Visit(element, this.#means);
    this.#visit.connect(lastEvent);
  }

  /** Leave the mode that the reader is in; false if there is none. */
  endMode() {
    return this.#visit?.endMode() ?? false;
  }

  /** Leave the modes of the page, and take no more words if another one is asked for. */
  rest(isSamePage) {
    this.#visit?.rest(isSamePage);
  }

  /** Go on as before, if no other page has come. */
  wake() {
    this.#visit?.wake();
  }

  disconnect() {
    this.#visit?.disconnect();
    this.#visit = null;
  }

  #on(name, handle) {
    document.addEventListener(name, ({ detail }) => this.#visit && handle(this.#visit, detail));
  }
}
