// Messages on their way. Each keeps its client_id until the server has answered, over retries,
// reloads and reconnects, so that it arrives once.
import { Backoff } from "../live/backoff.js";
import { recall, remember } from "../page/memory.js";
import { text } from "../strings.js";

const KEY = "outbox";
const LOOK = 2_000; // ms between looks at a letter without an answer
const LOOKS = 2; // then it counts as not sent, if nothing else is heard of the server either

/**
 * Sends one message at a time to each friend, so that their order holds. Tells the document:
 * `outbox:sending` {clientId}, `outbox:sent` {clientId, message}, `outbox:failed`
 * {clientId, reason}.
 */
export class Outbox {
  #api;
  #feed;
  #letters = []; // {clientId, to, time, text, upload or forward, attachment, quote, refused}
  #busy = new Set(); // usernames
  #backoffs = new Map(); // username → Backoff
  #troubles = new Map(); // username → why nothing gets through; null if there is no connection

  constructor(api, feed) {
    this.#api = api;
    this.#feed = feed;
    this.#letters = recall(KEY) ?? [];
  }

  start() {
    document.addEventListener("feed:working", () => {
      this.#hope();
      this.#sendAll();
    });
    document.addEventListener("live:friend_changed", ({ detail }) => {
      this.#rename(detail.old_username, detail.friend.username);
      if (!detail.friend.blocked) this.#unblock(detail.friend.username);
    });
    addEventListener("online", () => this.#sendAll());
    addEventListener("offline", () => {
      for (const to of this.#recipients) this.#trouble(to, null);
    });
    this.#sendAll();
  }

  /** The letters on their way to a friend, in order. */
  lettersTo(username) {
    return this.#letters.filter((letter) => letter.to === username);
  }

  /** Why a letter waits: a text, or null if there is no connection; undefined on its way. */
  troubleOf({ to, refused }) {
    return refused ?? this.#troubles.get(to);
  }

  add(letter) {
    this.addAll([letter]);
  }

  /** Put letters at the end, to any number of friends; those to one friend go in this order. */
  addAll(letters) {
    this.#letters.push(...letters);
    this.#save();
    for (const to of new Set(letters.map((letter) => letter.to))) this.#sendTo(to);
  }

  /** Whether a letter may still arrive by itself: it is here, and nobody has refused it. */
  isWaiting(clientId) {
    const letter = this.#find(clientId);
    return letter !== undefined && !letter.refused;
  }

  retry(clientId) {
    const letter = this.#find(clientId);
    if (!letter) return;
    delete letter.refused;
    this.#troubles.delete(letter.to);
    this.#tell("sending", { clientId });
    this.#sendTo(letter.to);
  }

  discard(clientId) {
    this.#letters = this.#letters.filter((letter) => letter.clientId !== clientId);
    this.#save();
  }

  /** Settle a message that is in the log or the history: whatever the answer was, it arrived. */
  arrived(clientId) {
    if (this.#find(clientId)) this.discard(clientId);
  }

  #find(clientId) {
    return this.#letters.find((letter) => letter.clientId === clientId);
  }

  get #recipients() {
    return new Set(this.#letters.map((letter) => letter.to));
  }

  /** The letters to a friend that nobody has refused, in order. */
  #waitingFor(to) {
    return this.#letters.filter((letter) => letter.to === to && !letter.refused);
  }

  #sendAll() {
    for (const to of this.#recipients) this.#sendTo(to);
  }

  /** Show that nothing gets through to a friend at the moment: all letters wait for the first. */
  #trouble(to, reason) {
    if (this.#troubles.get(to) === reason) return;
    this.#troubles.set(to, reason);
    for (const { clientId } of this.#waitingFor(to)) this.#tell("failed", { clientId, reason });
  }

  #settle(to) {
    if (!this.#troubles.delete(to)) return;
    for (const { clientId } of this.#waitingFor(to)) this.#tell("sending", { clientId });
  }

  /** The connection is back. */
  #hope() {
    for (const [to, reason] of [...this.#troubles]) if (reason === null) this.#settle(to);
  }

  async #sendTo(to) {
    if (this.#busy.has(to)) return;
    this.#busy.add(to);
    let pause = 0;
    let current = to;
    while (!pause) {
      const [letter] = this.#waitingFor(to);
      if (!letter) break;
      pause = await this.#send(letter);
      current = letter.to;
    }
    this.#busy.delete(to);
    if (pause) setTimeout(() => this.#sendTo(current), pause);
    else if (current !== to) this.#sendTo(current);
  }

  /** Send waiting letters to the new name, and those refused because nobody has the old one. */
  #rename(old, username) {
    const letters = old === username ? [] : this.lettersTo(old);
    for (const letter of letters) {
      letter.to = username;
      delete letter.refused;
    }
    this.#save();
    // The letter under way comes first, to keep the order.
    if (letters.length && !this.#busy.has(old)) this.#sendTo(username);
  }

  /** Say of letters to a friend who was blocked no more than that they were not sent. */
  #unblock(username) {
    for (const letter of this.lettersTo(username)) {
      if (letter.refused !== text("blocked")) continue;
      letter.refused = text("not_sent");
      this.#tell("failed", { clientId: letter.clientId, reason: letter.refused });
    }
    this.#save();
  }

  /** Send one; returns the ms to wait before anything else is sent to this friend. */
  async #send(letter) {
    const { clientId, to } = letter;
    try {
      const message = await this.#watch(to, this.#deliver(letter))
        .catch((error) => this.#askForName(to, error));
      this.#backoffs.delete(to);
      this.discard(clientId);
      this.#tell("sent", { clientId, message });
      this.#settle(to);
      return 0;
    } catch (error) {
      if (letter.to !== to) return 0; // not refused, but renamed meanwhile
      if (!error.isPassing) {
        letter.refused = error.message;
        this.#save();
        this.#tell("failed", { clientId, reason: error.message });
        this.#settle(to);
        return 0;
      }
      this.#trouble(to, error.status ? error.message : null);
      const backoff = this.#backoffs.get(to) ?? new Backoff();
      this.#backoffs.set(to, backoff);
      return error.retryAfter ? error.retryAfter * 1000 : backoff.next();
    }
  }

  /** Wait for an answer; say that nothing gets through if there is no sign of life meanwhile. */
  async #watch(to, answer) {
    let looks = 0;
    const timer = setInterval(() => {
      looks += 1;
      const isAlive = this.#feed.check();
      if (looks >= LOOKS && !isAlive && !this.#troubles.has(to)) this.#trouble(to, null);
    }, LOOK);
    try {
      return await answer;
    } finally {
      clearInterval(timer);
    }
  }

  /** Ask whether the friend was renamed while this tab was not there to hear of it. */
  async #askForName(to, error) {
    const username = error.code === "not_found" ? await this.#api.currentName(to) : null;
    if (username) this.#rename(to, username);
    throw error;
  }

  async #deliver({ clientId, to, text: words, quote, upload, forward }) {
    const message = { client_id: clientId };
    if (upload) message.upload = upload;
    else if (forward) message.forward = forward;
    else message.text = words;
    if (quote) message.quote = quote.id;
    const answer = this.#feed.request({ type: "send", to, ...message });
    if (answer) return (await answer).message;
    const path = `${this.#api.conversation(to)}messages/`;
    return (await this.#api.post(path, message)).message;
  }

  #tell(what, detail) {
    document.dispatchEvent(new CustomEvent(`outbox:${what}`, { detail }));
  }

  #save() {
    remember(KEY, this.#letters.length ? this.#letters : null);
  }
}
