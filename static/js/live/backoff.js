const FIRST = 500; // ms
const LONGEST = 30_000; // ms

/** Exponential backoff with full jitter, so that a class does not come back all at once. */
export class Backoff {
  #attempts = 0;

  /** Return the next pause; where more come back than a class, any one within their `spread`. */
  next(spread = 0) {
    const ceiling = Math.min(LONGEST, FIRST * 2 ** this.#attempts);
    this.#attempts += 1;
    const latest = Math.max(ceiling, Math.min(LONGEST, spread));
    return ceiling / 2 + Math.random() * (latest - ceiling / 2);
  }

  reset() {
    this.#attempts = 0;
  }
}
