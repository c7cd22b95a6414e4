const FIRST = 500; // ms
const LONGEST = 30_000; // ms

/** Exponential backoff with full jitter, so that a class does not come back all at once. */
export class Backoff {
  #attempts = 0;

  next() {
    const ceiling = Math.min(LONGEST, FIRST * 2 ** this.#attempts);
    this.#attempts += 1;
    return ceiling / 2 + (Math.random() * ceiling) / 2;
  }

  reset() {
    this.#attempts = 0;
  }
}
