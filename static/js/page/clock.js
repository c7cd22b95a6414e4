// Times as lists show them, by the server's clock and in its zone.
import { text } from "../strings.js";

const MINUTE = 60_000; // ms

export class Clock {
  #ahead; // ms that the server's clock is ahead of this one
  #day;
  #time;

  constructor(root = document.documentElement) {
    const timeZone = root.dataset.timeZone || undefined;
    this.#ahead = Date.parse(root.dataset.now) - Date.now() || 0;
    this.#day = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
    this.#time = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "short" });
  }

  /** Format a time by the rules of the server's filter `relative_time`. */
  relative(iso) {
    const moment = Date.parse(iso);
    if (Number.isNaN(moment)) return "";
    const now = this.now();
    const minutes = Math.floor((now - moment) / MINUTE);
    if (minutes < 1) return text("just_now");
    if (minutes < 60) return text(minutes === 1 ? "minute_ago" : "minutes_ago", { minutes });
    const [day, today] = [this.#day.format(moment), this.#day.format(now)];
    if (day === today) return this.#time.format(moment);
    if (day === this.#dayBefore(today)) return text("yesterday");
    return day.slice(0, 4) === today.slice(0, 4) ? day.slice(5) : day;
  }

  /** The time by the server's clock, in ms. */
  now() {
    return Date.now() + this.#ahead;
  }

  /** The present time as `YYYY-MM-DD HH:MM`, for a message on its way. */
  minute() {
    const now = this.now();
    return `${this.#day.format(now)} ${this.#time.format(now)}`;
  }

  #dayBefore(day) {
    const date = new Date(`${day}T00:00:00Z`);
    date.setUTCDate(date.getUTCDate() - 1);
    return date.toISOString().slice(0, 10);
  }
}
