// The reader's place in the thread: the scroll, the pills that lead elsewhere, the unread line.
import { text } from "../strings.js";

const NEAR_END = 80; // px: a reader this close wants to stay at the end
const EARLY = 2; // screens before an edge with more beyond it
const FAR = 2; // screens from the end, from where a way back is offered
const FLASH = 1_600; // ms

export class Place {
  #scroller = document.getElementById("thread");
  #list = document.getElementById("messages");
  #pill = document.getElementById("new-pill");
  #unreadPill = document.getElementById("unread-pill");
  #isAtEnd = true;
  #resize = new ResizeObserver(() => this.#isAtEnd && this.scrollToEnd());
  #scrolled;

  /** `scrolled` is called after each scroll. */
  constructor(scrolled) {
    this.#scrolled = scrolled;
  }

  connect() {
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

  get isAtEnd() {
    return this.#isAtEnd;
  }

  get isNearStart() {
    const { scrollTop, clientHeight } = this.#scroller;
    return scrollTop < clientHeight * (this.#isAtEnd ? 1 : EARLY);
  }

  get isNearEnd() {
    return this.#below < this.#scroller.clientHeight * EARLY;
  }

  /** Whether everything is in view. */
  get isShort() {
    return this.#scroller.scrollHeight <= this.#scroller.clientHeight;
  }

  /** px between the view and the end. */
  get #below() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** Do something that moves messages, and scroll so that one of them stays where it was. */
  keep(element, move) {
    const before = element?.getBoundingClientRect().top;
    move();
    if (element) this.#scroller.scrollTop += element.getBoundingClientRect().top - before;
  }

  /** Stay here, whatever comes below. */
  stay() {
    this.#isAtEnd = false;
  }

  /** Scroll to a new message at the end, or offer it. */
  follow(isMine) {
    if (this.#isAtEnd || isMine) this.scrollToEnd();
    else this.offerEnd();
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#isAtEnd = true;
    this.#pill.hidden = true;
  }

  /** Bring a message into view, and highlight it for a moment. */
  scrollTo(element) {
    this.#isAtEnd = false;
    element.scrollIntoView({ block: "center" });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH);
    this.#look();
  }

  /** Offer the new messages below. */
  offerEnd() {
    this.#offer("new_messages");
  }

  /** Draw the line above the first unread message; the pill leads there. */
  markUnread(first, count) {
    const line = document.createElement("li");
    line.className = "unread-line";
    line.textContent = text("new_below");
    first.before(line);
    this.scrollToEnd();
    const isAbove = line.getBoundingClientRect().top < this.#scroller.getBoundingClientRect().top;
    this.#unreadPill.hidden = !isAbove;
    this.#unreadPill.textContent = text("new_above", { count: count > 99 ? "99+" : count });
  }

  #offer(words) {
    this.#pill.textContent = text(words);
    this.#pill.hidden = false;
  }

  #look() {
    const below = this.#below;
    this.#isAtEnd = below < NEAR_END;
    if (this.#isAtEnd) this.#pill.hidden = true;
    else if (this.#pill.hidden && below > FAR * this.#scroller.clientHeight) {
      this.#offer("to_the_last");
    }
    const line = this.#list.querySelector(".unread-line");
    if (line && line.getBoundingClientRect().top > this.#scroller.getBoundingClientRect().top) {
      this.#unreadPill.hidden = true;
    }
  }

  #onScroll = () => {
    this.#look();
    this.#scrolled();
  };

  #onPill = () => this.scrollToEnd();

  #onUnreadPill = () => {
    this.#unreadPill.hidden = true;
    this.#list.querySelector(".unread-line")?.scrollIntoView({ block: "start" });
  };
}
