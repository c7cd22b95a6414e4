// Messages on their way to the friend of the open conversation, as its thread shows them.
import { ask } from "../page/ask.js";
import { giveBack } from "../page/focus.js";
import { text } from "../strings.js";
import { uuid } from "./uuid.js";

export class Letters {
  #outbox;
  #thread;
  #clock;
  #element;

  constructor(element, { outbox, thread, clock }) {
    this.#element = element;
    this.#outbox = outbox;
    this.#thread = thread;
    this.#clock = clock;
  }

  /** Put a new letter into the outbox, and return it. */
  write(words, quote) {
    const to = this.#element.dataset.with;
    const letter = { clientId: uuid(), to, text: words, time: this.#clock.minute() };
    if (quote) letter.quote = quote;
    this.#outbox.add(letter);
    return letter;
  }

  show() {
    for (const letter of this.#outbox.lettersTo(this.#element.dataset.with)) this.put(letter);
  }

  /** Show a letter in the thread, and what keeps it if something does. */
  put(letter) {
    this.#thread.putPending(letter);
    const reason = this.#outbox.troubleOf(letter);
    if (reason !== undefined) this.fail({ clientId: letter.clientId, reason });
  }

  /** Offer to send it again, or to discard it. */
  fail({ clientId, reason }) {
    const retry = makeButton("retry", () => this.#outbox.retry(clientId));
    const discard = makeButton("discard", () => this.#discard(clientId));
    this.#thread.setState(clientId, "failed", { reason, actions: [retry, discard] });
  }

  async #discard(clientId) {
    if (!(await ask(text("discard_question"), text("discard")))) return;
    // It may have been sent while the question stood.
    const waiting = this.#outbox.lettersTo(this.#element.dataset.with);
    if (!waiting.some((letter) => letter.clientId === clientId)) return;
    this.#outbox.discard(clientId);
    document.dispatchEvent(new CustomEvent("outbox:discarded", { detail: { clientId } }));
    this.#thread.discard(clientId);
    giveBack();
  }
}

function makeButton(name, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = name;
  element.textContent = text(name);
  element.addEventListener("click", act);
  return element;
}
