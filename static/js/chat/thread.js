// The bubbles of one conversation, in the order of their ids, and where one reads in them.
import { text } from "../strings.js";
import { showAttachment } from "./attachment.js";
import { avatarClass, initial } from "./avatar.js";
import { showWords } from "./bubble.js";

const NEAR_END = 80; // px: who is this close wants to stay at the end
const EARLY = 2; // screens before an edge that is not the last
const FAR = 2; // screens from the end, where a way back is offered
const FLASH = 1_600; // ms
const HELD = 400; // messages at the most: beyond them those far away leave the page

export class Thread {
  #scroller = document.getElementById("thread");
  #list = document.getElementById("messages");
  #pill = document.getElementById("new-pill");
  #unreadPill = document.getElementById("unread-pill");
  #empty = document.getElementById("thread-empty");
  #byId = new Map();
  #byClientId = new Map();
  #isAtEnd = true;
  #resize = new ResizeObserver(() => this.#isAtEnd && this.scrollToEnd());

  connect() {
    for (const element of this.#list.querySelectorAll(".day")) element.remove();
    for (const element of [...this.#list.children]) {
      this.#index(element);
      const bubble = element.querySelector(".bubble");
      const isText = element.dataset.state === "sent" && !bubble.querySelector(".attachment");
      if (isText) showWords(bubble, bubble.textContent);
      this.#separate(element);
    }
    this.#scroller.addEventListener("scroll", this.#onScroll, { passive: true });
    this.#pill.addEventListener("click", this.#onPill);
    this.#unreadPill.addEventListener("click", this.#onUnreadPill);
    this.#resize.observe(this.#scroller);
    this.#resize.observe(this.#list);
    this.scrollToEnd();
  }

  disconnect() {
    this.#scroller.removeEventListener("scroll", this.#onScroll);
    this.#pill.removeEventListener("click", this.#onPill);
    this.#unreadPill.removeEventListener("click", this.#onUnreadPill);
    this.#resize.disconnect();
  }

  /** Show the other side by another name. */
  rename(username) {
    const template = document.getElementById("message-template-theirs").content;
    for (const root of [this.#list, template]) {
      for (const element of root.querySelectorAll(".message.theirs")) {
        const avatar = element.querySelector(".avatar");
        avatar.className = `avatar ${avatarClass(username)}`;
        avatar.textContent = initial(username);
        element.querySelector(".visually-hidden").textContent = username;
        element.dataset.sender = username;
      }
    }
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  get isNearStart() {
    const { scrollTop, clientHeight } = this.#scroller;
    return scrollTop < clientHeight * (this.#isAtEnd ? 1 : EARLY);
  }

  get isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < clientHeight * EARLY;
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

  /** Put older messages on top without moving what one reads; true if newer ones had to leave. */
  putOlder(messages, isMine) {
    const oldest = this.#list.querySelector(".message");
    this.#keepingPlace(oldest, () => {
      const elements = this.#makeAll(messages, isMine);
      this.#list.prepend(...elements);
      for (const element of elements) this.#separate(element);
      if (oldest) this.#separate(oldest);
    });
    return this.#leave("lastElementChild");
  }

  offerOlder(isMore) {
    this.#keepingPlace(this.#list.querySelector(".message"), () => {
      document.getElementById("older").parentElement.hidden = !isMore;
    });
  }

  /** Put newer messages below, where the thread ended too early; true if older ones had to leave. */
  putNewer(messages, isMine) {
    const newest = [...this.#list.querySelectorAll(".message")].at(-1);
    const elements = this.#makeAll(messages, isMine);
    this.#list.append(...elements);
    for (const element of elements) this.#separate(element);
    if (elements.length) this.#isAtEnd = false;
    let isCut = false;
    this.#keepingPlace(newest, () => {
      isCut = this.#leave("firstElementChild");
    });
    return isCut;
  }

  /** Do what moves the messages, and scroll so that one of them stands where it stood. */
  #keepingPlace(element, move) {
    const before = element?.getBoundingClientRect().top;
    move();
    if (element) this.#scroller.scrollTop += element.getBoundingClientRect().top - before;
  }

  /** Let those at one edge go until few enough are held. */
  #leave(edge) {
    let excess = this.#list.querySelectorAll(".message").length - HELD;
    if (excess <= 0) return false;
    while (excess > 0 || !this.#list[edge].matches(".message")) {
      const element = this.#list[edge];
      if (element.matches(".message")) excess -= 1;
      this.#forget(element);
      element.remove();
    }
    this.#separate(this.#list.querySelector(".message"));
    return true;
  }

  #forget({ dataset: { id, clientId } }) {
    this.#byId.delete(Number(id));
    this.#byClientId.delete(clientId);
  }

  /** Show a message on its way. */
  putPending({ clientId, text: words, time, quote }) {
    if (this.#byClientId.has(clientId)) return;
    const element = this.#make(true);
    element.dataset.clientId = clientId;
    showWords(element.querySelector(".bubble"), words);
    element.querySelector("time").textContent = time;
    this.#showQuote(element, quote && { ...quote, state: "sent" });
    this.#index(element);
    this.#list.append(element);
    this.#separate(element);
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

  /** Take out one that never was a message. */
  discard(clientId) {
    this.#takeOut(this.#byClientId.get(clientId));
  }

  /** Take out one that is deleted for the reader. */
  remove(id) {
    this.#takeOut(this.#byId.get(id));
  }

  /** A message that others quote has changed: show there what has become of it. */
  showQuoted(message) {
    for (const quote of this.#list.querySelectorAll(`[data-quote="${message.id}"]`)) {
      this.#showQuote(quote.closest(".message"), message);
    }
  }

  /** Offer below a recalled message to write it anew. */
  offerEdit(id) {
    const element = this.#byId.get(id);
    if (!element || element.querySelector(".edit-again")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "edit-again";
    button.textContent = text("edit_again");
    element.querySelector(".bubble-line").append(button);
  }

  /** Draw the line above the first message that was not read; the pill leads there. */
  markUnread(readThrough, count) {
    const first = [...this.#list.querySelectorAll(".message.theirs")].find(
      (element) => Number(element.dataset.id) > readThrough,
    );
    if (!first) return;
    const line = document.createElement("li");
    line.className = "unread-line";
    line.textContent = text("new_below");
    first.before(line);
    this.scrollToEnd();
    const isAbove = line.getBoundingClientRect().top < this.#scroller.getBoundingClientRect().top;
    this.#unreadPill.hidden = !isAbove;
    this.#unreadPill.textContent = text("new_above", { count: count > 99 ? "99+" : count });
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#isAtEnd = true;
    this.#pill.hidden = true;
  }

  /** Bring one message into view and make it stand out for a moment. */
  scrollTo(id) {
    const element = this.#byId.get(id);
    this.#isAtEnd = false;
    element.scrollIntoView({ block: "center" });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH);
    this.#onScroll();
  }

  /** There is something new below. */
  offerEnd() {
    this.#offerEnd("new_messages");
  }

  onScroll(listener) {
    this.#scroller.addEventListener("scroll", listener, { passive: true });
  }

  #make(isMine) {
    const template = document.getElementById(`message-template-${isMine ? "mine" : "theirs"}`);
    return template.content.querySelector(".message").cloneNode(true);
  }

  #makeAll(messages, isMine) {
    const elements = [];
    for (const message of messages) {
      if (this.#byId.has(message.id)) continue;
      const element = this.#make(isMine(message));
      this.#fill(element, message);
      this.#index(element);
      elements.push(element);
    }
    return elements;
  }

  #fill(element, message) {
    element.dataset.id = message.id;
    element.dataset.clientId = message.client_id;
    element.dataset.state = message.state;
    element.dataset.sender = message.sender;
    const bubble = element.querySelector(".bubble");
    if (message.attachment) showAttachment(bubble, message.attachment);
    else if (message.state === "sent") showWords(bubble, message.text);
    else bubble.replaceChildren(stateWords(message, element.classList.contains("mine")));
    this.#showQuote(element, message.quote);
    const time = element.querySelector("time");
    time.textContent = message.time;
    time.setAttribute("datetime", message.sent_at);
    const state = element.querySelector(".state");
    if (state) state.textContent = message.state === "sent" ? "✓" : "";
  }

  #showQuote(element, quote) {
    const link = element.querySelector(".quote");
    link.hidden = !quote;
    if (!quote) return;
    link.dataset.quote = quote.id;
    link.href = `?at=${quote.id}`;
    const sender = document.createElement("bdi");
    sender.textContent = quote.sender;
    if (quote.state === "sent") link.replaceChildren(sender, `: ${quote.text}`);
    else link.replaceChildren(text("quote_gone"));
  }

  #index(element) {
    const { id, clientId } = element.dataset;
    if (id) this.#byId.set(Number(id), element);
    if (clientId) this.#byClientId.set(clientId, element);
  }

  #takeOut(element) {
    if (!element) return;
    const next = nextMessage(element);
    this.#forget(element);
    if (element.previousElementSibling?.matches(".day")) element.previousElementSibling.remove();
    element.remove();
    if (next) this.#separate(next);
  }

  /** Keep a day's name above its first message. */
  #separate(element) {
    const day = dayOf(element);
    const above = element.previousElementSibling;
    const stands = above?.matches(".day") ? above : null;
    const previous = previousMessage(element);
    const isFirst = !previous || dayOf(previous) !== day;
    if (!isFirst) stands?.remove();
    else if (stands) stands.firstElementChild.textContent = day;
    else {
      const line = document.createElement("li");
      line.className = "day";
      line.append(document.createElement("span"));
      line.firstElementChild.textContent = day;
      element.before(line);
    }
  }

  #isOutOfPlace(element) {
    const next = nextMessage(element);
    const previous = previousMessage(element);
    const id = Number(element.dataset.id);
    return (
      (next?.dataset.id && Number(next.dataset.id) < id) ||
      (previous && (!previous.dataset.id || Number(previous.dataset.id) > id))
    );
  }

  /** Before the first one on its way, after the last one with a smaller id. */
  #insert(element) {
    const id = Number(element.dataset.id);
    const left = nextMessage(element);
    let after = this.#list.lastElementChild;
    while (after && (after === element || !after.dataset.id || Number(after.dataset.id) > id)) {
      after = after.previousElementSibling;
    }
    if (element.previousElementSibling?.matches(".day")) element.previousElementSibling.remove();
    if (after) after.after(element);
    else this.#list.prepend(element);
    for (const each of [element, nextMessage(element), left]) if (each) this.#separate(each);
  }

  #follow(isMine) {
    if (this.#isAtEnd || isMine) this.scrollToEnd();
    else this.offerEnd();
  }

  #offerEnd(words) {
    this.#pill.textContent = text(words);
    this.#pill.hidden = false;
  }

  #onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    this.#isAtEnd = below < NEAR_END;
    if (this.#isAtEnd) this.#pill.hidden = true;
    else if (this.#pill.hidden && below > FAR * clientHeight) this.#offerEnd("to_the_last");
    const line = this.#list.querySelector(".unread-line");
    if (line && line.getBoundingClientRect().top > this.#scroller.getBoundingClientRect().top) {
      this.#unreadPill.hidden = true;
    }
  };

  #onPill = () => this.scrollToEnd();

  #onUnreadPill = () => {
    this.#unreadPill.hidden = true;
    this.#list.querySelector(".unread-line")?.scrollIntoView({ block: "start" });
  };
}

/** What stands in place of a text that is not there any more. */
export function stateWords({ state, sender }, isMine) {
  if (state === "removed") return text("removed");
  return isMine ? text("recalled_mine") : text("recalled_theirs", { name: sender });
}

function dayOf(message) {
  return message.querySelector("time").textContent.slice(0, 10);
}

function previousMessage(element) {
  let other = element.previousElementSibling;
  while (other && !other.matches(".message")) other = other.previousElementSibling;
  return other;
}

function nextMessage(element) {
  let other = element.nextElementSibling;
  while (other && !other.matches(".message")) other = other.nextElementSibling;
  return other;
}
