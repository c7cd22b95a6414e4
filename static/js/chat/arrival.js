// Where a thread opens: at its end, at a message that was asked for, or where its reader left it.
import { recall, remember } from "../page/memory.js";

const STILL = 300; // ms without a scroll before a place is noted: browsers limit changes of an address
const ALIGNED = 60; // px around the top of the view, where a browser by itself puts what #m1 names

export class Arrival {
  #element;
  #thread;
  #pages;
  #readdress;
  #scroller = document.getElementById("thread");
  #below = 0;
  #start;
  #timer;

  /** `readdress` gives the page another address, if it is still the shown one. */
  constructor(element, { thread, pages, readdress }) {
    this.#element = element;
    this.#thread = thread;
    this.#pages = pages;
    this.#readdress = readdress;
  }

  /** Take over from the layout that shows the end before any script runs. */
  connect() {
    this.#below = Math.max(0, -this.#scroller.scrollTop);
    if (this.#isAligned()) this.#below = 0;
    this.#scroller.classList.add("settled");
  }

  disconnect() {
    clearTimeout(this.#timer);
  }

  /** Go to where the thread opens, unless its reader has scrolled by now. */
  arrive() {
    const at = this.#asked;
    if (this.#below) this.#keep();
    else if (at && recall(this.#key)?.id === at.dataset.id) this.#restore(at);
    else if (at) this.#thread.scrollTo(Number(at.dataset.id));
    this.#start = this.#scroller.scrollTop;
  }

  /** Note the place soon, in the address and in the memory of the tab: a reload comes back to it. */
  note() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#note(), STILL);
  }

  get #asked() {
    return document.getElementById(`m${this.#element.dataset.at}`);
  }

  get #key() {
    return `place:${this.#element.dataset.with}`;
  }

  #isAligned() {
    const at = this.#asked;
    return Boolean(at) && Math.abs(this.#top(at)) < ALIGNED;
  }

  /** px between the top of the view and that of a message. */
  #top(message) {
    return message.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }

  #keep() {
    const { scrollHeight, clientHeight } = this.#scroller;
    this.#thread.place.stay();
    this.#scroller.scrollTop = scrollHeight - clientHeight - this.#below;
  }

  #restore(message) {
    this.#thread.place.stay();
    this.#scroller.scrollTop += this.#top(message) - recall(this.#key).top;
  }

  #note() {
    if (this.#scroller.scrollTop === this.#start) return;
    const isAtEnd = this.#thread.place.isAtEnd && !this.#pages.hasNewer;
    const message = isAtEnd ? null : this.#firstInView();
    const id = message?.dataset.id;
    remember(this.#key, message && { id, top: this.#top(message) });
    const url = new URL(location.href);
    url.search = message ? `?at=${id}` : "";
    url.hash = message ? `m${id}` : "";
    if (url.href !== location.href) this.#readdress(url.href);
  }

  #firstInView() {
    const stored = this.#thread.order.all.filter((message) => message.dataset.id);
    return stored.find((message) => this.#top(message) >= 0) ?? stored.at(-1) ?? null;
  }
}
