// The WebSocket on `/live/`, kept open, with each frame paired to its answer.
import { Refusal, Unreachable } from "../api.js";
import { Backoff } from "./backoff.js";

const SESSION_ENDED = 4401;
const BEAT = 5_000; // ms; hidden pages get one a minute, and frozen ones none
const PING_AFTER = 20_000; // ms without a frame
// Silence is a ping without an answer: no length of time is, where timers sleep and frames do not.
const BEATS_UNANSWERED = 2; // then the connection is dead, whatever its state
const WOKEN = 3_000; // ms: a page that someone looks at again does not wait for beats
const OPENING = 10_000; // ms
const SPREAD = /^spread=(\d{1,3}(?:\.\d{1,3})?)$/; // the reason of a close

export class Socket {
  #feed;
  #api;
  #socket = null;
  #isReady = false; // caught up
  #heardAt = 0; // by the steady clock
  #unanswered = null; // beats since a ping that nothing has followed
  #heartbeat;
  #woken;
  #timer;
  #backoff = new Backoff();
  #spread = 0; // remembered: a killed server could not say so
  #waiting = new Map(); // client_id → {resolve, reject}

  constructor(feed, api) {
    this.#feed = feed;
    this.#api = api;
  }

  /** The time that everybody should take to come back, in ms; 0 for a class. */
  get spread() {
    return this.#spread;
  }

  open() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    const { base, userId } = this.#api;
    const url = new URL(`${base}live/?after=${this.#feed.cursor}&user=${userId}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#heard();
    this.#timer = setTimeout(
      () => socket.readyState === WebSocket.CONNECTING && this.#drop(),
      OPENING,
    );
    socket.addEventListener("message", (message) => this.#hear(socket, message));
    socket.addEventListener("close", (event) => {
      const seconds = SPREAD.exec(event.reason ?? "")?.[1];
      if (seconds) this.#spread = 1000 * seconds;
      this.#closed(socket, event.code);
    });
    this.#heartbeat = setInterval(() => this.#beat(), BEAT);
  }

  /** Connect without waiting for a timer, as the page is visible again or the network is back. */
  wake() {
    if (!this.#socket) {
      this.#backoff.reset();
      this.open();
    } else {
      this.check();
      clearTimeout(this.#woken);
      this.#woken = setTimeout(() => this.#unanswered !== null && this.#drop(), WOKEN);
    }
  }

  /** Whether the last ping was answered, if there was one; sends the next. */
  check() {
    const isAlive = this.#isReady && this.#unanswered === null;
    if (isAlive) this.#ping();
    return isAlive;
  }

  retryIn(milliseconds) {
    clearTimeout(this.#timer);
    if (!this.#socket) this.#timer = setTimeout(() => this.open(), milliseconds);
  }

  tell(frame) {
    if (!this.#isReady) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  request(frame) {
    if (!this.tell(frame)) return null;
    return new Promise((resolve, reject) => {
      this.#waiting.set(frame.client_id, { resolve, reject });
    });
  }

  // Internal

  #hear(socket, message) {
    if (socket !== this.#socket) return;
    this.#heard();
    const frame = JSON.parse(message.data);
    if (frame.type === "event") this.#feed.handle(frame);
    else if (frame.type === "ack") this.#answer(frame.client_id, "resolve", frame);
    else if (frame.type === "error") this.#refuse(frame);
    else if (frame.type === "reset") this.#feed.reset();
    else if (frame.type === "typing") this.#announceTyping(frame);
    else if (frame.type === "hello") this.#greet(frame);
    else if (frame.type === "caught_up") this.#caughtUp();
  }

  #head = 0;

  #heard() {
    this.#heardAt = performance.now();
    this.#unanswered = null;
    if (this.#isReady && this.#feed.isInTrouble) this.#feed.working(this);
  }

  #greet(frame) {
    this.#head = frame.last_event;
    this.#spread = 1000 * (frame.spread ?? 0);
    document.dispatchEvent(new CustomEvent("feed:hello", { detail: frame }));
  }

  #caughtUp() {
    clearTimeout(this.#timer);
    this.#feed.advance(this.#head);
    this.#isReady = true;
    this.#backoff.reset();
    this.#feed.working(this);
  }

  #refuse(frame) {
    const status = { rate_limited: 429, unavailable: 503 }[frame.code] ?? 400;
    this.#answer(frame.client_id, "reject", new Refusal(status, frame, frame.retry_after ?? null));
  }

  #answer(clientId, outcome, value) {
    this.#waiting.get(clientId)?.[outcome](value);
    this.#waiting.delete(clientId);
  }

  #announceTyping(frame) {
    document.dispatchEvent(new CustomEvent("live:typing", { detail: frame }));
  }

  #beat() {
    if (this.#unanswered !== null) this.#unanswered += 1;
    else if (performance.now() - this.#heardAt > PING_AFTER) this.#ping();
    if (this.#unanswered >= BEATS_UNANSWERED) this.#drop();
  }

  #ping() {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ type: "ping" }));
    this.#unanswered = 0;
  }

  /** Give a connection up without waiting for its close, which may never come. */
  #drop() {
    const socket = this.#socket;
    if (!socket) return;
    this.#closed(socket, 0);
    socket.close();
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#isReady = false;
    this.#unanswered = null;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
    clearTimeout(this.#woken); // it would look at the next connection
    for (const { reject } of this.#waiting.values()) reject(new Unreachable("closed"));
    this.#waiting.clear();
    if (code === SESSION_ENDED) {
      this.#feed.checkSession();
      return;
    }
    this.#timer = setTimeout(() => this.open(), this.#backoff.next(this.#spread));
    this.#feed.failing(this);
  }
}
