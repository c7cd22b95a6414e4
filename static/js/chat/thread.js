// The thread of a conversation: its messages, their order, and the reader's place.
import { text } from "../strings.js";
import { showAvatar } from "./avatar.js";
import * as bubble from "./bubble.js";
import { isMine } from "./message.js";
import { Order } from "./order.js";
import { Place } from "./place.js";
import { toggleFold } from "./words.js";

export class Thread {
  #empty = document.getElementById("thread-empty");
  #list = document.getElementById("messages");

  /** `scrolled` is called after each scroll. */
  constructor(scrolled) {
    this.order = new Order();
    this.place = new Place(scrolled);
  }

  connect() {
    this.order.adopt();
    for (const element of this.order.all) bubble.dress(element);
    this.place.connect();
    this.#list.addEventListener("click", this.#onFold);
  }

  disconnect() {
    this.place.disconnect();
    this.#list.removeEventListener("click", this.#onFold);
  }

  /** Show the other side by another name, their user name or a remark, and with their picture. */
  rename(username, name, avatar) {
    const template = document.getElementById("message-template-theirs").content;
    const page = `${document.body.dataset.base}contacts/${encodeURIComponent(username)}/`;
    for (const element of [...this.order.all, ...template.querySelectorAll(".message")]) {
      if (!element.matches(".theirs")) continue;
      showAvatar(element, username, avatar);
      element.querySelector(".avatar-link").setAttribute("href", page);
      element.querySelector(".visually-hidden").textContent = name;
      element.dataset.sender = username;
      if (element.dataset.state === "recalled") {
        element.querySelector(".bubble").textContent = text("recalled_theirs", { name });
      }
    }
  }

  /** Show a message of the server: a new one, a changed one, or one that was pending. */
  put(message) {
    const stands = this.order.get(message.id) ?? this.order.getSent(message.client_id);
    const element = stands ?? bubble.make(isMine(message));
    bubble.fill(element, message);
    this.order.put(element);
    this.#empty.hidden = true;
    if (!stands) this.place.follow(message.id, isMine(message));
  }

  /** Put older messages on top without moving the view; true if newer ones had to leave. */
  putOlder(messages) {
    this.place.keep(this.order.first, () => this.order.prepend(this.#makeAll(messages)));
    return this.order.trim("lastElementChild");
  }

  /** Put newer messages below, if the thread ended early; true if older ones had to leave. */
  putNewer(messages) {
    const newest = this.order.all.at(-1);
    const elements = this.#makeAll(messages);
    this.order.append(elements);
    if (elements.length) this.place.stay();
    let isCut = false;
    this.place.keep(newest, () => {
      isCut = this.order.trim("firstElementChild");
    });
    return isCut;
  }

  /** Hold these messages of the history instead of those that it holds. */
  replace(messages) {
    this.place.stay();
    this.order.clear();
    this.order.append(this.#makeAll(messages));
  }

  /** Show a message on its way; unless `follow`, a reader who is not at the end stays there. */
  putPending(letter, { follow = true } = {}) {
    if (this.order.getSent(letter.clientId)) return;
    const element = bubble.make(true);
    bubble.fillPending(element, letter);
    this.order.append([element]);
    this.#empty.hidden = true;
    this.setState(letter.clientId, "pending");
    if (follow || this.place.isAtEnd) this.place.scrollToEnd();
  }

  /** Mark it as `pending` or `failed`, as long as it is not a message of the server. */
  setState(clientId, state, details) {
    const element = this.order.getSent(clientId);
    if (!element || element.dataset.id) return;
    bubble.showState(element, state, details);
    if (this.place.isAtEnd) this.place.scrollToEnd();
  }

  /** Remove a letter that never became a message. */
  discard(clientId) {
    this.order.remove(this.order.getSent(clientId));
  }

  /** Remove a message that is deleted for the reader. */
  remove(id) {
    this.order.remove(this.order.get(id));
  }

  /** Update the quotes of a message that has changed. */
  showQuoted(message) {
    for (const element of this.order.quoting(message.id)) bubble.showQuote(element, message);
  }

  /** Bring one message into view. */
  scrollTo(id) {
    this.place.scrollTo(this.order.get(id));
  }

  /** Offer below a recalled message to write it again. */
  offerEdit(id) {
    bubble.offerEdit(this.order.get(id));
  }

  #onFold = ({ target }) => {
    const button = target.closest(".unfold");
    if (button) this.place.hold(button.closest(".message"), () => toggleFold(button));
  };

  #makeAll(messages) {
    const fresh = messages.filter((message) => !this.order.has(message.id));
    return fresh.map((message) => {
      const element = bubble.make(isMine(message));
      bubble.fill(element, message);
      return element;
    });
  }
}
