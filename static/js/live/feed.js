// Deliver each event once and in order, from whichever transport works.
import { Polling } from "./polling.js";
import { Socket } from "./socket.js";
import { Trouble } from "./trouble.js";

const SOCKET_FAILURES = 3; // in a row, before polling takes over
const SOCKET_TRIED_AGAIN = 60_000; // ms, while polling
const SESSION_ASKED_AGAIN = 5_000; // ms, if nobody answers whether it has ended

/**
 * Holds the cursor, the id of the last event that this page has handled, and dispatches each
 * event after it as `live:<kind>` on the document. Transports deliver and know nothing else.
 */
export class Feed {
  #api;
  #cursor;
  #socket;
  #polling;
  #failures = 0;
  #trouble = new Trouble();
  #transport = null;

  constructor(api, cursor) {
    this.#api = api;
    this.#cursor = cursor;
    this.#socket = new Socket(this, api);
    this.#polling = new Polling(this, api);
  }

  get cursor() {
    return this.#cursor;
  }

  /** Connect; nothing is heard before the script that calls it has run to its end. */
  open() {
    this.#socket.open();
  }

  start() {
    addEventListener("online", this.#onOnline);
    addEventListener("offline", this.#onOffline);
    addEventListener("pageshow", this.#onPageShow);
    document.addEventListener("visibilitychange", this.#wake);
  }

  /** Send a frame and wait for its answer; null where there is no open socket. */
  request(frame) {
    return this.#socket.request(frame);
  }

  /** Send a frame that has no answer of its own; false where there is no open socket. */
  tell(frame) {
    return this.#socket.tell(frame);
  }

  /**
   * Whether the socket has answered the last question, as far as is known, or polling works in its
   * place; asks the next.
   */
  check() {
    const isAlive = this.#socket.check() || this.#polling.isAlive;
    if (!isAlive) this.#trouble.begin();
    return isAlive;
  }

  // Called by the transports

  /** Whether there was no sign of life when there should have been one. */
  get isInTrouble() {
    return this.#trouble.isOn;
  }

  handle(event) {
    if (event.id <= this.#cursor) return;
    this.#cursor = event.id;
    if (event.kind === "session") this.checkSession();
    document.dispatchEvent(new CustomEvent(`live:${event.kind}`, { detail: event }));
  }

  advance(cursor) {
    this.#cursor = Math.max(this.#cursor, cursor);
  }

  /** Reload, as the log cannot tell what was missed. */
  reset() {
    location.reload();
  }

  /** The transport, `socket` or `polling`, once one of them works. */
  get transport() {
    return this.#transport;
  }

  working(transport) {
    this.#transport = transport === this.#socket ? "socket" : "polling";
    this.#trouble.end();
    if (transport === this.#socket) {
      this.#failures = 0;
      this.#polling.stop();
    }
    document.dispatchEvent(new CustomEvent("feed:working"));
  }

  failing(transport) {
    this.#trouble.begin();
    if (transport !== this.#socket) return;
    this.#failures += 1;
    if (this.#failures < SOCKET_FAILURES) return;
    this.#polling.start();
    this.#socket.retryIn(SOCKET_TRIED_AGAIN);
  }

  /** Ask why a socket was closed: its session has ended, or only got another key. */
  async checkSession() {
    try {
      await this.#api.get("me/");
      this.#socket.open();
    } catch (error) {
      if (error.status === 403) this.reset(); // only a page can tell the required first step
      this.failing(this.#socket); // a 401 has left the page already
      if (error.isPassing) this.#socket.retryIn(SESSION_ASKED_AGAIN);
    }
  }

  // Internal

  /** Believe the browser that there is no network, until something is heard: it may be wrong. */
  #onOffline = () => {
    this.#trouble.beginNow();
    this.#socket.check();
  };

  #onOnline = () => {
    this.#trouble.update();
    // Everybody behind the same switch hears it in the same moment.
    const { spread } = this.#socket;
    if (spread) setTimeout(() => this.#wakeAll(), Math.random() * spread);
    else this.#wakeAll();
  };

  #wake = () => {
    if (document.visibilityState === "visible") this.#wakeAll();
  };

  #wakeAll() {
    this.#socket.wake();
    this.#polling.wake();
  }

  #onPageShow = (event) => {
    if (event.persisted) this.#wake();
  };
}
