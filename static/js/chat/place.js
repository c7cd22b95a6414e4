// The reader's place in the thread: the scroll, and the pill that leads to the end.
import { countOf } from "../page/badges.js";
import { text } from "../strings.js";
import { countWords } from "./counting.js";

const NEAR_END = 80; // px: a reader this close wants to stay at the end
const EARLY = 2; // screens before an edge with more beyond it
const FAR = 2; // screens from the end, from where a way back is offered
const FLASH = 1_600; // ms

export class Place {
  #scroller = document.getElementById("thread");
  #list = document.getElementById("messages");
  #pill = document.getElementById("new-pill");
  #isAtEnd = true;
  #holdsEnd = true; // what is below the view ends the conversation
  #news = 0; // messages that came below the view
  #newest = 0; // the id of the last of them
  #resize = new ResizeObserver(() => this.#isAtEnd && this.scrollToEnd());
  #scrolled;

  /** `scrolled` is called after each scroll. */
  constructor(scrolled) {
    this.#scrolled = scrolled;
  }

  connect() {
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

  /** Let the reader go on with a message that becomes longer or shorter: its top stays, in view. */
  hold(element, move) {
    this.stay();
    this.keep(element, move);
    if (this.isAbove(element)) this.bringToTop(element);
    this.#isAtEnd = this.#holdsEnd && this.#below < 1;
  }

  /** Stay here, whatever comes below. */
  stay() {
    this.#isAtEnd = false;
  }

  /** The thread holds the end of the conversation, or ends somewhere in the history. */
  set holdsEnd(holdsEnd) {
    this.#holdsEnd = holdsEnd;
  }

  /** Scroll to a new message at the end, or offer it. */
  follow(id, isMine) {
    if (this.#isAtEnd || isMine) this.scrollToEnd();
    else this.offer(id);
  }

  /** Offer a new message below, and count it once. */
  offer(id) {
    if (id <= this.#newest) return;
    this.#newest = id;
    this.#news += 1;
    this.#show(countWords(this.#news));
  }

  isAbove(element) {
    return element.getBoundingClientRect().top < this.#scroller.getBoundingClientRect().top;
  }

  bringToTop(element) {
    this.stay();
    const { top } = this.#scroller.getBoundingClientRect();
    this.#scroller.scrollTop += element.getBoundingClientRect().top - top;
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#isAtEnd = true;
    this.#forgetNews();
  }

  /** Bring a message into view, and highlight it for a moment. */
  scrollTo(element) {
    this.#isAtEnd = false;
    element.scrollIntoView({ block: "center" });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH);
    this.#look();
  }

  #show(words) {
    this.#pill.textContent = this.#pill.title = words;
    if (this.#news) this.#pill.dataset.count = countOf(this.#news);
    else delete this.#pill.dataset.count;
    this.#pill.hidden = false;
  }

  #forgetNews() {
    this.#news = 0;
    this.#pill.hidden = true;
  }

  #look() {
    const below = this.#below;
    this.#isAtEnd = this.#holdsEnd && below < NEAR_END;
    if (this.#isAtEnd) this.#forgetNews();
    else if (this.#pill.hidden && below > FAR * this.#scroller.clientHeight) {
      this.#show(text("to_the_last"));
    }
  }

  #onScroll = () => {
    this.#look();
    this.#scrolled();
  };

  #onPill = () => {
    if (this.#holdsEnd) this.scrollToEnd(); // else the whole page goes there
  };
}
