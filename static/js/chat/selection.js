// The messages that a reader has ticked. Nothing here touches the page.
import { canForward } from "./message.js";

export const TICKED_AT_MOST = 100; // messages, as many as one request may delete

export class Selection {
  #ticked = new Map(); // id → what its bubble told

  get size() {
    return this.#ticked.size;
  }

  has(id) {
    return this.#ticked.has(id);
  }

  /** Tick a message, or take its tick away; false if there are too many. */
  toggle(message) {
    if (this.drop(message.id)) return true;
    if (this.size === TICKED_AT_MOST) return false;
    this.#ticked.set(message.id, message);
    return true;
  }

  /** Take the tick of a message away; false if it had none. */
  drop(id) {
    return this.#ticked.delete(id);
  }

  clear() {
    this.#ticked.clear();
  }

  /** In the order of the conversation, in whatever order they were ticked. */
  get messages() {
    return [...this.#ticked.values()].sort((a, b) => a.id - b.id);
  }

  get ids() {
    return this.messages.map(({ id }) => id);
  }

  get canForward() {
    return this.messages.some(canForward);
  }

  get canCopy() {
    return this.messages.some(({ state }) => state === "sent");
  }

  /** Each text below its sender and time; the words of one message alone stand for themselves. */
  get copied() {
    const sent = this.messages.filter(({ state }) => state === "sent");
    if (sent.length === 1) return sent[0].words;
    return sent.map(({ name, time, words }) => `${name} ${time}\n${words}`).join("\n\n");
  }
}
