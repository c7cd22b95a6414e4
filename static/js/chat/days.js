// The names of the days, each above its first message.
const SHOWN = 1_000; // ms after the last scroll
const NEAR_END = 80; // px: a reader this close knows the day
const NEAR_TOP = 32; // px: a day's own line this close says it

/** Keep a day's name above its first message, and above the line between them. */
export function separate(element) {
  const day = dayOf(element);
  const stands = dayAbove(element);
  const previous = previousMessage(element);
  const isFirst = !previous || dayOf(previous) !== day;
  if (!isFirst) stands?.remove();
  else if (stands) stands.firstElementChild.textContent = day;
  else (lineAbove(element) ?? element).before(makeDay(day));
}

/** The name of a day right above a message, if one stands there. */
export function dayAbove(element) {
  const above = (lineAbove(element) ?? element).previousElementSibling;
  return above?.matches(".day") ? above : null;
}

/** The line above the first new message, if it is this one. */
function lineAbove({ previousElementSibling: above }) {
  return above?.matches(".unread-line") ? above : null;
}

function makeDay(day) {
  const line = document.createElement("li");
  line.className = "day";
  line.append(document.createElement("span"));
  line.firstElementChild.textContent = day;
  return line;
}

function dayOf(message) {
  return message.querySelector("time").textContent.slice(0, 10);
}

export function previousMessage(element) {
  let other = element.previousElementSibling;
  while (other && !other.matches(".message")) other = other.previousElementSibling;
  return other;
}

export function nextMessage(element) {
  let other = element.nextElementSibling;
  while (other && !other.matches(".message")) other = other.nextElementSibling;
  return other;
}

/** The day of the topmost messages, shown over them while a reader scrolls through the past. */
export class FloatingDay {
  #scroller = document.getElementById("thread");
  #line = document.createElement("div");
  #timer;

  connect() {
    this.#line.className = "floating-day";
    this.#line.setAttribute("aria-hidden", "true");
    this.#line.hidden = true;
    this.#scroller.after(this.#line);
    this.#scroller.addEventListener("scroll", this.#onScroll, { passive: true });
  }

  disconnect() {
    clearTimeout(this.#timer);
    this.#scroller.removeEventListener("scroll", this.#onScroll);
    this.#line.remove();
  }

  #onScroll = () => {
    clearTimeout(this.#timer);
    this.#line.textContent = this.#find();
    this.#line.hidden = !this.#line.textContent;
    this.#timer = setTimeout(() => {
      this.#line.hidden = true;
    }, SHOWN);
  };

  /** The last day that began above the view; none at the end, or where its own line says it. */
  #find() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END) return "";
    const { top } = this.#scroller.getBoundingClientRect();
    let day = "";
    for (const line of this.#scroller.querySelectorAll(".day")) {
      const box = line.getBoundingClientRect();
      if (box.top > top + NEAR_TOP) break;
      day = box.bottom < top ? line.textContent : "";
    }
    return day;
  }
}
