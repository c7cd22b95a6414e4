// The bubbles of a conversation in the order of their ids, with each day's name above its first.
import { dayAbove, nextMessage, previousMessage, separate } from "./days.js";

const HELD = 400; // messages at most: beyond that, those far away leave the page

export class Order {
  #list = document.getElementById("messages");
  #byId = new Map();
  #byClientId = new Map();

  /** Take over the messages of the page. */
  adopt() {
    for (const element of this.#list.querySelectorAll(".day")) element.remove();
    for (const element of this.all) {
      this.#index(element);
      separate(element);
    }
  }

  get all() {
    return [...this.#list.querySelectorAll(".message")];
  }

  get first() {
    return this.#list.querySelector(".message");
  }

  get oldestId() {
    return Number(this.#list.querySelector("[data-id]:not([data-id=''])")?.dataset.id ?? 0);
  }

  get newestId() {
    let element = this.#list.lastElementChild;
    while (element && !element.dataset.id) element = element.previousElementSibling;
    return Number(element?.dataset.id ?? 0);
  }

  has(id) {
    return this.#byId.has(id);
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** A message that the server may not know yet. */
  getSent(clientId) {
    return this.#byClientId.get(clientId);
  }

  /** The messages that quote one. */
  quoting(id) {
    const quotes = [...this.#list.querySelectorAll(`[data-quote="${id}"]`)];
    return quotes.map((quote) => quote.closest(".message"));
  }

  /** The first message of the other side after an id. */
  firstUnread(after) {
    const isUnread = (each) => each.matches(".theirs") && Number(each.dataset.id) > after;
    return this.all.find(isUnread);
  }

  /** Put a line above a message, below the name of its day. */
  putAbove(line, element) {
    element.before(line);
  }

  /** Put a bubble where its id belongs. */
  put(element) {
    this.#index(element);
    if (element.parentElement !== this.#list || isOutOfPlace(element)) this.#insert(element);
  }

  prepend(elements) {
    const oldest = this.first;
    this.#list.prepend(...elements);
    for (const element of elements) this.#index(element);
    for (const element of elements) separate(element);
    if (oldest) separate(oldest);
  }

  append(elements) {
    this.#list.append(...elements);
    for (const element of elements) this.#index(element);
    for (const element of elements) separate(element);
  }

  remove(element) {
    if (!element) return;
    const next = nextMessage(element);
    this.#forget(element);
    dayAbove(element)?.remove();
    element.remove();
    if (next) separate(next);
  }

  /**
   * Remove bubbles at one edge (`firstElementChild` or `lastElementChild`) down to the limit, and
   * those on their way, which stand at the end of the conversation, if that is no longer here.
   */
  trim(edge) {
    let excess = this.all.length - HELD;
    if (excess <= 0) return false;
    while (excess > 0 || !this.#list[edge].dataset.id) {
      const element = this.#list[edge];
      if (element.matches(".message")) excess -= 1;
      this.#forget(element);
      element.remove();
    }
    separate(this.first);
    return true;
  }

  clear() {
    this.#list.replaceChildren();
    this.#byId.clear();
    this.#byClientId.clear();
  }

  #index(element) {
    const { id, clientId } = element.dataset;
    if (id) this.#byId.set(Number(id), element);
    if (clientId) this.#byClientId.set(clientId, element);
  }

  #forget({ dataset: { id, clientId } }) {
    this.#byId.delete(Number(id));
    this.#byClientId.delete(clientId);
  }

  /** Insert it before the first pending one, after the last one with a smaller id. */
  #insert(element) {
    const id = Number(element.dataset.id);
    const left = nextMessage(element);
    let after = this.#list.lastElementChild;
    while (after && (after === element || !after.dataset.id || Number(after.dataset.id) > id)) {
      after = after.previousElementSibling;
    }
    dayAbove(element)?.remove();
    if (after) after.after(element);
    else this.#list.prepend(element);
    for (const each of [element, nextMessage(element), left]) if (each) separate(each);
  }
}

function isOutOfPlace(element) {
  const next = nextMessage(element);
  const previous = previousMessage(element);
  const id = Number(element.dataset.id);
  return (
    (next?.dataset.id && Number(next.dataset.id) < id) ||
    (previous && (!previous.dataset.id || Number(previous.dataset.id) > id))
  );
}
