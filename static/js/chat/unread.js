// The line above the first unread message, and the pill that leads there.
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { countWords } from "./counting.js";

export class Unread {
  #thread;
  #pages;
  #pill = document.getElementById("unread-pill");
  #line = document.querySelector("#messages > .unread-line") ?? document.createElement("li");
  #after = null; // the id of the last read message; null if there was nothing unread

  constructor({ thread, pages }) {
    this.#thread = thread;
    this.#pages = pages;
    this.#line.className = "unread-line";
    this.#line.textContent = text("new_below");
  }

  connect() {
    this.#pill.addEventListener("click", this.#onPill);
  }

  disconnect() {
    this.#pill.removeEventListener("click", this.#onPill);
  }

  /** Show what is unread after an id, at the arrival. */
  show(after, count) {
    this.#after = after;
    if (!this.#isKnown) this.#line.remove();
    this.#pill.textContent = countWords(count);
    this.#pill.hidden = this.#pages.hasNewer;
    this.look();
  }

  /** Draw the line as soon as the messages above it are there; it moves nothing. */
  look() {
    if (this.#after !== null && !this.#line.isConnected) this.#draw();
    if (this.#line.isConnected && !this.#thread.place.isAbove(this.#line)) this.#pill.hidden = true;
  }

  /** Whether the place of the line is among the loaded messages. */
  get #isKnown() {
    return !this.#pages.hasOlder || this.#thread.order.oldestId <= this.#after;
  }

  #draw() {
    if (!this.#isKnown) return;
    const { order, place } = this.#thread;
    const first = order.firstUnread(this.#after);
    if (first) place.keep(first, () => order.putAbove(this.#line, first));
  }

  #onPill = async () => {
    const isThere = this.#line.isConnected || (await this.#pages.jump(this.#after));
    if (!this.#pill.isConnected) return; // the reader has left
    if (!isThere) return toast(text("no_network"));
    this.#pill.hidden = true;
    this.look();
    const { order, place } = this.#thread;
    place.bringToTop(this.#line.isConnected ? this.#line : order.first);
  };
}
