// One file on its way to the server, in pieces: whatever is lost on the way is sent again.
import { Backoff } from "../live/backoff.js";
import { text } from "../strings.js";

const FIRST_PIECE = 128 * 1024; // bytes: on a slow line it moves the bar, on a fast one it soon grows
const QUICK = 1_000; // ms: a piece that takes less may be twice as long
const SLOW = 8_000; // ms: the next one is half as long
const LEAST_PIECE = 16 * 1024;
const PATIENCE = 60_000; // ms for a piece
const PROCESSING = 40_000; // ms: the server answers within twenty seconds, done or not
const LONG = 60; // seconds to wait that nobody waits for
const FORGOTTEN_AT_MOST = 3; // times that the server may have lost what it had

/** A file that can be read no more: it was changed, moved or deleted meanwhile. */
export class Unreadable extends Error {
  isPassing = false;

  get words() {
    return text("file_unreadable");
  }
}

export class Sending {
  #api;
  #facts;
  #file;
  #told;
  #abort = new AbortController();
  #length = FIRST_PIECE;
  #backoff = new Backoff();
  #forgotten = 0;
  #wake = () => {};

  /** `told` gets {fraction} of what has arrived, or {trouble}: why nothing gets through. */
  constructor(api, { uploadId, name, kind, file }, told) {
    this.#api = api;
    this.#facts = { id: uploadId, name, size: file.size, kind };
    this.#file = file;
    this.#told = told;
  }

  stop() {
    this.#abort.abort();
    this.#wake();
  }

  /** Send it to its end, through any number of tries; resolves to the answer of the server. */
  async run() {
    for (;;) {
      try {
        await this.#sendPieces();
        return await this.#finish();
      } catch (error) {
        if (this.#abort.signal.aborted || !this.#isWorthWaiting(error)) throw error;
        this.#told({ trouble: error.words });
        await this.#pause(error.retryAfter ? error.retryAfter * 1000 : this.#backoff.next());
        this.#check();
      }
    }
  }

  /** Wait, but no longer than until the page has reached the server again. */
  async #pause(duration) {
    let timer;
    await new Promise((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, duration);
      document.addEventListener("feed:working", resolve);
    });
    clearTimeout(timer);
    document.removeEventListener("feed:working", this.#wake);
  }

  /** Whether the next try may succeed; what the server has forgotten or lost begins again. */
  #isWorthWaiting(error) {
    if (["not_found", "not_finished"].includes(error.code)) {
      return (this.#forgotten += 1) <= FORGOTTEN_AT_MOST;
    }
    return error.isPassing && (error.retryAfter ?? 0) < LONG;
  }

  async #sendPieces() {
    let { received, piece } = await this.#api.post("uploads/", this.#facts);
    this.#told({ fraction: received / this.#file.size });
    while (received < this.#file.size) {
      this.#check();
      received = await this.#sendPiece(received, Math.min(piece, this.#length));
      this.#told({ fraction: received / this.#file.size });
    }
  }

  /** Send what follows, and return how much is there then. */
  async #sendPiece(offset, length) {
    const bytes = await this.#read(offset, length);
    const began = performance.now();
    try {
      const path = `uploads/${this.#facts.id}/?offset=${offset}`;
      const { received } = await this.#api.put(path, bytes, {
        patience: PATIENCE,
        signal: this.#abort.signal,
      });
      const took = performance.now() - began;
      if (took < QUICK) this.#length *= 2;
      else if (took > SLOW) this.#shorten();
      this.#backoff = new Backoff();
      return received;
    } catch (error) {
      // A lost answer, or another tab that sends the same.
      if (error.code === "wrong_offset") return error.rest.received;
      this.#shorten();
      throw error;
    }
  }

  #check() {
    if (this.#abort.signal.aborted) throw new Error("stopped");
  }

  #shorten() {
    this.#length = Math.max(LEAST_PIECE, Math.floor(this.#length / 2));
  }

  async #read(offset, length) {
    try {
      return await this.#file.slice(offset, offset + length).arrayBuffer();
    } catch {
      throw new Unreadable();
    }
  }

  async #finish() {
    for (;;) {
      this.#check();
      const path = `uploads/${this.#facts.id}/finish/`;
      const answer = await this.#api.post(path, {}, { patience: PROCESSING });
      if (answer.attachment) return answer;
    }
  }
}
