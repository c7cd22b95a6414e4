// Messages forwarded to friends: letters like any others, and a word about what became of them.
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { FriendPicker } from "./friend_picker.js";
import { canForward } from "./message.js";
import { uuid } from "./uuid.js";

// With the nine friends of the picker, what SEND_RATE as it comes (30 in 10 s) lets through in a minute.
export const FORWARDED_AT_MOST = 20; // messages at once

export class Forwarding {
  #outbox;
  #store;
  #clock;
  #show;
  #picker;

  /** `show` gets each letter, for the case that it goes to the open chat. */
  constructor({ outbox, store, clock, show }) {
    this.#outbox = outbox;
    this.#store = store;
    this.#clock = clock;
    this.#show = show;
    this.#picker = new FriendPicker(store);
  }

  connect() {
    this.#picker.connect();
  }

  disconnect() {
    this.#picker.disconnect();
  }

  /** Ask for friends, and send them these messages one by one; false if the reader thinks better. */
  async forward(messages) {
    const chosen = messages.filter(canForward);
    if (chosen.length > FORWARDED_AT_MOST) {
      toast(text("forward_too_many", { limit: FORWARDED_AT_MOST }));
      return false;
    }
    const friends = await this.#picker.ask(describe(chosen, messages.length - chosen.length));
    if (!friends) return false;
    this.#send(chosen.map(contentOf), friends);
    return true;
  }

  #send(contents, friends) {
    const time = this.#clock.minute();
    const letters = friends.flatMap((to) =>
      contents.map((content) => ({ clientId: uuid(), to, time, ...content }))
    );
    toast(text("forwarding"));
    followLetters(letters, this.#outbox, (username) => this.#nameOf(username));
    this.#outbox.addAll(letters);
    for (const letter of letters) this.#show(letter);
  }

  #nameOf(username) {
    return this.#store.get(username)?.remark || username;
  }
}

/** What a letter has of a message: its text, or its id if it is a file. */
function contentOf({ id, words, attachment }) {
  return attachment ? { text: "", forward: id, attachment } : { text: words };
}

/** One line about what is forwarded. */
function describe(chosen, left) {
  const count = chosen.length;
  const words = count === 1 ? chosen[0].words : text("forward_count", { count });
  return left ? `${words} ${text("forward_left_out", { count: left })}` : words;
}

/**
 * Say what becomes of letters, as soon as none of them may still arrive by itself; and at once if
 * there is no network. `nameOf` gives the name that the reader has for a friend.
 */
export function followLetters(letters, outbox, nameOf) {
  const own = new Map(letters.map((letter) => [letter.clientId, letter]));
  let isLate = false;
  const look = ({ type, detail: { clientId, reason } }) => {
    if (!own.has(clientId)) return;
    if (type === "outbox:discarded") own.delete(clientId);
    const left = [...own.values()];
    if (left.some((letter) => outbox.isWaiting(letter.clientId))) {
      if (reason !== null || isLate) return;
      isLate = true;
      return toast(text("forward_later"));
    }
    stop();
    if (left.length) toast(outcome(left, nameOf));
  };
  const names = ["outbox:sent", "outbox:failed", "outbox:discarded"];
  const stop = () => names.forEach((name) => document.removeEventListener(name, look));
  names.forEach((name) => document.addEventListener(name, look));
}

function outcome(letters, nameOf) {
  const missed = new Set(letters.filter(({ refused }) => refused).map(({ to }) => to));
  if (!missed.size) return text("forwarded");
  const names = [...missed].map(nameOf).join(text("comma"));
  return text("forward_missed", { count: missed.size, names });
}
