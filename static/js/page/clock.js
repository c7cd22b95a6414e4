// Times as lists show them, by the server's clock and in its zone.
import { text } from "../strings.js";

const DAY = 24 * 60 * 60_000; // ms: two dates are read as midnights of UTC, which has no summer time
const WEEK = 7; // days, from which a weekday's name would mean two of them
const TOLERANCE = 2_000; // ms: an HTTP answer names a whole second, and takes its time to arrive
const PARTS = {
  calendar: "gregory",
  numberingSystem: "latn",
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
};

/** Format in the server's zone; in the browser's, if that does not know the server's. */
function makeFormat(timeZone) {
  try {
    return new Intl.DateTimeFormat("en", { ...PARTS, timeZone: timeZone || undefined });
  } catch {
    return new Intl.DateTimeFormat("en", PARTS);
  }
}

/** Goes by the server's time at one moment, and from there by the steady clock of the page. */
export class Clock {
  #ahead = Date.now() - performance.now(); // ms from the steady clock to the server's
  #format;

  constructor(root = document.documentElement) {
    this.#format = makeFormat(root.dataset.timeZone);
    this.#set(Date.parse(root.dataset.now));
  }

  start() {
    document.addEventListener("feed:hello", ({ detail }) => this.#set(Date.parse(detail.now)));
    // A computer that was asleep has stopped the steady clock.
    document.addEventListener("api:answered", ({ detail }) => this.#check(Date.parse(detail.date)));
  }

  /** Format a time by the rules of the server's filter `list_time`. */
  listed(iso) {
    const moment = Date.parse(iso);
    if (Number.isNaN(moment)) return "";
    const [then, today] = [this.#read(moment), this.#read(this.now())];
    const days = (Date.parse(today.day) - Date.parse(then.day)) / DAY;
    if (days === 0) return then.time;
    if (days === 1) return text("yesterday");
    if (days > 1 && days < WEEK) return text(`weekday_${(new Date(then.day).getUTCDay() + 6) % 7}`);
    return then.day.slice(0, 4) === today.day.slice(0, 4) ? then.day.slice(5) : then.day;
  }

  /** The time by the server's clock, in ms. */
  now() {
    return performance.now() + this.#ahead;
  }

  /** The present time as `YYYY-MM-DD HH:MM`, for a message on its way. */
  minute() {
    const { day, time } = this.#read(this.now());
    return `${day} ${time}`;
  }

  #set(now) {
    if (!Number.isNaN(now)) this.#ahead = now - performance.now();
  }

  #check(now) {
    if (Math.abs(now - this.now()) > TOLERANCE) this.#set(now);
  }

  /** The day and the time of a moment; the form of a locale's dates changes with the browser. */
  #read(moment) {
    const parts = {};
    for (const { type, value } of this.#format.formatToParts(moment)) parts[type] = value;
    const { year, month, day, hour, minute } = parts;
    return { day: `${year}-${month}-${day}`, time: `${hour}:${minute}` };
  }
}
