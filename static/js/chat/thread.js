// The bubbles of one conversation, in the order of their ids, and where one reads in them.
import { text } from "../strings.js";
import { showText } from "./links.js";

const NEAR_END = 80; // px: who is this close wants to stay at the end

export class Thread {
  #scroller = document.getElementById("thread");
  #list = document.getElementById("messages");
  #pill = document.getElementById("new-pill");
  #empty = document.getElementById("thread-empty");
  #byId = new Map();
  #byClientId = new Map();
  #isAtEnd = true;
  #resize = new ResizeObserver(() => this.#isAtEnd && this.scrollToEnd());

  connect() {
    for (const element of this.#list.children) {
      this.#index(element);
      const bubble = element.querySelector(".bubble");
      if (element.dataset.state === "sent") showText(bubble, bubble.textContent);
    }
    this.#scroller.addEventListener("scroll", this.#onScroll, { passive: true });
    this.#pill.addEventListener("click", this.#onPill);
    this.#resize.observe(this.#scroller);
    this.#resize.observe(this.#list);
    this.scrollToEnd();
  }

  disconnect() {
    this.#scroller.removeEventListener("scroll", this.#onScroll);
    this.#pill.removeEventListener("click", this.#onPill);
    this.#resize.disconnect();
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  get isNearStart() {
    return this.#scroller.scrollTop < this.#scroller.clientHeight;
  }

  get oldestId() {
    return Number(this.#list.querySelector("[data-id]:not([data-id=''])")?.dataset.id ?? 0);
  }

  get newestId() {
    for (let element = this.#list.lastElementChild; element; element = element.previousElementSibling) {
      if (element.dataset.id) return Number(element.dataset.id);
    }
    return 0;
  }

  has(id) {
    return this.#byId.has(id);
  }

  /** Show a message of the server: a new one, a changed one, or the one that was pending. */
  put(message, isMine) {
    const stands = this.#byId.get(message.id) ?? this.#byClientId.get(message.client_id);
    const element = stands ?? this.#make(isMine);
    this.#fill(element, message);
    this.#index(element);
    if (!stands || this.#isOutOfPlace(element)) this.#insert(element);
    this.#empty.hidden = true;
    if (!stands) this.#follow(isMine);
  }

  /** Put older messages on top without moving what one reads. */
  putOlder(messages, isMine) {
    const before = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const elements = [];
    for (const message of messages) {
      if (this.#byId.has(message.id)) continue;
      const element = this.#make(isMine(message));
      this.#fill(element, message);
      this.#index(element);
      elements.push(element);
    }
    this.#list.prepend(...elements);
    this.#scroller.scrollTop = this.#scroller.scrollHeight - before;
  }

  /** Show a message on its way. */
  putPending({ clientId, text: words, time }) {
    if (this.#byClientId.has(clientId)) return;
    const element = this.#make(true);
    element.dataset.clientId = clientId;
    showText(element.querySelector(".bubble"), words);
    element.querySelector("time").textContent = time;
    this.#index(element);
    this.#list.append(element);
    this.#empty.hidden = true;
    this.setState(clientId, "pending");
    this.scrollToEnd();
  }

  /** `pending` or `failed`; a failed one offers to try again, or to be thrown away. */
  setState(clientId, state, { reason, actions = [] } = {}) {
    const element = this.#byClientId.get(clientId);
    if (!element || element.dataset.id) return;
    element.dataset.state = state;
    const words = document.createElement("span");
    words.textContent = state === "pending" ? text("sending") : (reason ?? text("not_sent"));
    element.querySelector(".state").replaceChildren(words, ...actions);
    if (this.#isAtEnd) this.scrollToEnd();
  }

  remove(clientId) {
    this.#byClientId.get(clientId)?.remove();
    this.#byClientId.delete(clientId);
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#isAtEnd = true;
    this.#pill.hidden = true;
  }

  onScroll(listener) {
    this.#scroller.addEventListener("scroll", listener, { passive: true });
  }

  #make(isMine) {
    const template = document.getElementById(`message-template-${isMine ? "mine" : "theirs"}`);
    return template.content.firstElementChild.cloneNode(true);
  }

  #fill(element, message) {
    element.dataset.id = message.id;
    element.dataset.clientId = message.client_id;
    element.dataset.state = message.state;
    const bubble = element.querySelector(".bubble");
    if (message.state === "sent") showText(bubble, message.text);
    else bubble.textContent = text(message.state);
    const time = element.querySelector("time");
    time.textContent = message.time;
    time.setAttribute("datetime", message.sent_at);
    const state = element.querySelector(".state");
    if (state) state.textContent = message.state === "sent" ? "✓" : "";
  }

  #index(element) {
    const { id, clientId } = element.dataset;
    if (id) this.#byId.set(Number(id), element);
    if (clientId) this.#byClientId.set(clientId, element);
  }

  #isOutOfPlace(element) {
    const next = element.nextElementSibling;
    const previous = element.previousElementSibling;
    const id = Number(element.dataset.id);
    return (
      (next?.dataset.id && Number(next.dataset.id) < id) ||
      (previous && (!previous.dataset.id || Number(previous.dataset.id) > id))
    );
  }

  /** Before the first one on its way, after the last one with a smaller id. */
  #insert(element) {
    const id = Number(element.dataset.id);
    let after = this.#list.lastElementChild;
    while (after && (after === element || !after.dataset.id || Number(after.dataset.id) > id)) {
      after = after.previousElementSibling;
    }
    if (after) after.after(element);
    else this.#list.prepend(element);
  }

  #follow(isMine) {
    if (this.#isAtEnd || isMine) this.scrollToEnd();
    else this.#pill.hidden = false;
  }

  #onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#isAtEnd) this.#pill.hidden = true;
  };

  #onPill = () => this.scrollToEnd();
}
