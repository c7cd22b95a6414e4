// Polling, for when there is no socket.
import { Backoff } from "./backoff.js";

const INTERVAL = 2_000; // ms
const INTERVAL_HIDDEN = 15_000; // ms
const FRESH = 5_000; // ms for which an answer shows that the server is there: one question may be slow

export class Polling {
  #feed;
  #api;
  #timer;
  #running = false;
  #asking = false;
  #answeredAt = -Infinity; // by the steady clock
  #backoff = new Backoff();

  constructor(feed, api) {
    this.#feed = feed;
    this.#api = api;
  }

  /** Whether there was an answer just now. */
  get isAlive() {
    return this.#running && performance.now() - this.#answeredAt < FRESH;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#ask();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  wake() {
    if (this.#running) this.#ask();
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    let pause;
    try {
      pause = await this.#take();
      this.#answeredAt = performance.now();
      this.#backoff.reset();
      if (this.#running) this.#feed.working(this);
    } catch (error) {
      pause = error.retryAfter ? error.retryAfter * 1000 : this.#backoff.next();
      this.#feed.failing(this);
    }
    this.#asking = false;
    if (this.#running) this.#timer = setTimeout(() => this.#ask(), pause);
  }

  async #take() {
    const answer = await this.#api.get(`events/?after=${this.#feed.cursor}`);
    if (answer.reset) this.#feed.reset();
    for (const event of answer.events ?? []) this.#feed.handle(event);
    if (answer.last_event) this.#feed.advance(answer.last_event);
    if (answer.more) return 0;
    return document.visibilityState === "visible" ? INTERVAL : INTERVAL_HIDDEN;
  }
}
