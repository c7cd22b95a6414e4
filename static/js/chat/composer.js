// The field for writing a message.
import { hasScreenKeyboard, isTypingBeside } from "../page/focus.js";
import { recall, remember } from "../page/memory.js";
import { text } from "../strings.js";
import { makeQuote } from "./bubble.js";
import { lengthOf, showsNothing } from "./length.js";

const HIGHEST = 160; // px, then it scrolls
const COUNTED_FROM = 0.9; // of the longest message
const TYPING_EVERY = 2_500; // ms
const QUOTED_AT_MOST = 200; // code units: more than the bar has room for
const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

export class Composer {
  #form;
  #field;
  #limit; // characters; `maxlength` would count code units, and cut without a word
  #isRefused = false; // as the reader was told
  #isLocked = false;
  #quoteDrop = document.getElementById("quote-drop");
  #send;
  #typing;
  #typedAt = -TYPING_EVERY;
  #quote = null;
  #username;

  /** `send` gets the words and the quote, `typing` is called now and then while the user types. */
  constructor(form, username, { send, typing }) {
    this.#form = form;
    this.#field = form.elements.text;
    this.#limit = Number(this.#field.dataset.limit);
    this.#send = send;
    this.#typing = typing;
    this.#username = username;
  }

  connect() {
    this.#form.classList.add("live");
    this.#takeDraft();
    this.#field.enterKeyHint = hasScreenKeyboard() ? "enter" : "send";
    this.#field.addEventListener("input", this.#onInput);
    this.#field.addEventListener("keydown", this.#onKeyDown);
    this.#form.addEventListener("submit", this.#onSubmit);
    this.#quoteDrop.addEventListener("click", this.#onDropQuote);
    this.#grow();
    this.#count();
    if (!hasScreenKeyboard() && !isTypingBeside()) this.#field.focus({ preventScroll: true });
  }

  disconnect() {
    this.#field.removeEventListener("input", this.#onInput);
    this.#field.removeEventListener("keydown", this.#onKeyDown);
    this.#form.removeEventListener("submit", this.#onSubmit);
    this.#quoteDrop.removeEventListener("click", this.#onDropQuote);
  }

  /** Keep the draft under another name from now on. */
  rename(username) {
    this.#username = username;
  }

  /** Quote this message in the next one. */
  quote(quote) {
    remember(this.#key("quote"), quote);
    this.#showQuote(quote);
    if (quote) this.#field.focus({ preventScroll: true });
  }

  /** Put words into the field, after its text. */
  write(words) {
    const { value } = this.#field;
    this.#field.value = value ? `${value}\n${words}` : words;
    this.#onInput();
    this.#field.focus({ preventScroll: true });
  }

  /** Insert words at the cursor. */
  insert(words) {
    if (this.#field.readOnly) return;
    const { selectionStart, selectionEnd } = this.#field;
    this.#field.setRangeText(words, selectionStart, selectionEnd, "end");
    this.#onInput();
  }

  /** Take no more words: another page is asked for, and they are meant for that one. */
  rest() {
    this.#field.blur(); // first: it ends what an input method composes
    this.#field.readOnly = true;
  }

  /** Take words again, since the reader stays. */
  wake() {
    this.#field.readOnly = this.#isLocked;
  }

  /** Stop sending; text in the field can still be read and copied. */
  lock(reason) {
    this.notify(reason);
    this.#isLocked = this.#field.readOnly = true;
    this.#field.placeholder = "";
    for (const button of this.#form.querySelectorAll(".composer-row button")) {
      button.disabled = true;
    }
  }

  /** Say above the field why a message would not arrive; an empty text removes it. */
  notify(words) {
    const notice = document.getElementById("composer-locked");
    notice.textContent = words;
    notice.hidden = !words;
  }

  showError(words) {
    const element = document.getElementById("composer-error");
    element.textContent = words;
    element.hidden = !words;
  }

  #key(what) {
    return `${what}:${this.#username}`;
  }

  /** Go on with what was kept, before anything that was typed until the scripts came. */
  #takeDraft() {
    const [draft, typed] = [recall(this.#key("draft")) ?? "", this.#field.value];
    // A browser that restores the field by itself has it already.
    if (!typed.startsWith(draft)) this.#field.value = draft + typed;
    if (typed) remember(this.#key("draft"), this.#field.value);
    this.#showQuote(recall(this.#key("quote")));
  }

  #showQuote(quote) {
    this.#quote = quote;
    const bar = document.getElementById("quote-bar");
    bar.hidden = !quote;
    if (!quote) return;
    const shown = { ...quote, text: quote.text.slice(0, QUOTED_AT_MOST) };
    bar.querySelector(".quote-words").replaceChildren(...makeQuote(shown));
  }

  #onInput = () => {
    remember(this.#key("draft"), this.#field.value);
    this.#grow();
    if (this.#count() <= this.#limit && this.#isRefused) this.#refuse("");
    const now = performance.now();
    if (!this.#field.value.trim() || now - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = now;
    this.#typing();
  };

  #onDropQuote = () => {
    this.quote(null);
    this.#field.focus({ preventScroll: true });
  };

  #onKeyDown = (event) => {
    if (event.key === "Escape" && this.#quote && !event.isComposing) {
      event.preventDefault();
      this.quote(null);
    }
    // keyCode 229: Safari ends a composition before the Enter that confirmed it.
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    if (hasScreenKeyboard() || event.shiftKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    this.#submit();
  };

  #onSubmit = (event) => {
    event.preventDefault();
    this.#submit();
    this.#field.focus({ preventScroll: true });
  };

  #submit() {
    const words = this.#field.value.trim();
    if (!words || this.#field.readOnly) return;
    if (showsNothing(words)) {
      this.#refuse(text("empty"));
      return;
    }
    const count = this.#count();
    if (count > this.#limit) {
      this.#refuse(text("too_long", { count, limit: this.#limit }));
      return;
    }
    this.showError("");
    this.#field.value = "";
    this.#onInput();
    this.#send(words, this.#quote);
    this.quote(null);
    this.#typedAt = -TYPING_EVERY;
  }

  /** Say why it is not sent, or no longer; the text stays. */
  #refuse(words) {
    this.#isRefused = Boolean(words);
    this.#field.setAttribute("aria-invalid", String(this.#isRefused));
    this.showError(words);
  }

  /** Show the length of the text near the limit, and return it. */
  #count() {
    const { value } = this.#field;
    const near = this.#limit * COUNTED_FROM;
    const count = value.length > near ? lengthOf(value, this.#limit) : 0; // code units are never fewer
    const counter = document.getElementById("composer-count");
    counter.hidden = count <= near;
    counter.textContent = `${count}/${this.#limit}`;
    counter.classList.toggle("over", count > this.#limit);
    return count;
  }

  #grow() {
    if (GROWS_BY_ITSELF) return;
    this.#field.style.height = "auto";
    const border = this.#field.offsetHeight - this.#field.clientHeight;
    this.#field.style.height = `${Math.min(this.#field.scrollHeight + border, HIGHEST)}px`;
  }
}
