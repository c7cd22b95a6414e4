// Where one reads in the thread: its scroll, the pills that lead elsewhere, the line above what is new.
import { text } from "../strings.js";

const NEAR_END = 80; // px: a reader this close wants to stay at the end
const EARLY = 2; // screens before an edge that is not the last
const FAR = 2; // screens from the end, where a way back is offered
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

  /** px between what is in view and the end. */
  get #below() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** Do what moves the messages, and scroll so that one of them stands where it stood. */
  keep(element, move) {
    const before = element?.getBoundingClientRect().top;
    move();
    if (element) this.#scroller.scrollTop += element.getBoundingClientRect().top - before;
  }

  /** Stay here whatever comes below. */
  stay() {
    this.#isAtEnd = false;
  }

  /** A new message stands at the end. */
  follow(isMine) {
    if (this.#isAtEnd || isMine) this.scrollToEnd();
    else this.offerEnd();
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#isAtEnd = true;
    this.#pill.hidden = true;
  }

  /** Bring one message into view and make it stand out for a moment. */
  scrollTo(element) {
    this.#isAtEnd = false;
    element.scrollIntoView({ block: "center" });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH);
    this.#look();
  }

  /** There is something new below. */
  offerEnd() {
    this.#offer("new_messages");
  }

  /** Draw the line above the first message that was not read; the pill leads there. */
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
