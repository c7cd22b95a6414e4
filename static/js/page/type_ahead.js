// Lead what is typed while the focus is elsewhere into the message that it is meant for.
import { findField, isDialogOpen, isField } from "./focus.js";
import { recall, remember } from "./memory.js";
import { closeMenu } from "./menu.js";

const MOST = 20_000; // UTF-16 units kept on the way: more than a message, so that its field says so
const CHAT = /\/chat\/([^/]+)\/$/;

export class TypeAhead {
  #kept = "";

  start() {
    document.addEventListener("keydown", this.#onKeyDown);
    document.addEventListener("paste", this.#onPaste);
  }

  /**
   * Put what was typed on the way into the field of the page that is there at its end; into the
   * draft of the chat that it was meant for, if that was `missed`: nobody else may get it.
   */
  pour(missed) {
    const [words, field] = [this.#kept, findField()];
    this.#kept = "";
    if (words && missed) keepDraft(missed, words);
    if (!words || missed || !field) return;
    field.setRangeText(words, field.value.length, field.value.length, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #onKeyDown = (event) => {
    if (event.defaultPrevented || isBusy()) return;
    if (isPageOnItsWay()) this.#keep(event);
    else if (isTyping(event) && findField()) {
      closeMenu();
      // The key itself does the rest, now that the field has the focus.
      findField().focus({ preventScroll: true });
    }
  };

  #onPaste = (event) => {
    if (!isPageOnItsWay() || isBusy()) return;
    event.preventDefault();
    this.#add(event.clipboardData.getData("text/plain"));
  };

  #add(words) {
    this.#kept = (this.#kept + words).slice(0, MOST);
  }

  #keep(event) {
    if (event.key === "Backspace") this.#kept = [...this.#kept].slice(0, -1).join("");
    else if (isLetter(event) || (event.key === " " && this.#kept)) this.#add(event.key);
    else if (event.key !== "Enter" || !this.#kept) return;
    event.preventDefault();
  }
}

/** Whether another page is on its way, for which letters are kept. */
export function isPageOnItsWay() {
  return document.getElementById("detail").getAttribute("aria-busy") === "true";
}

/** Whether something else takes what is typed. */
function isBusy() {
  const { activeElement, body } = document;
  return (activeElement !== body && isField(activeElement)) || isDialogOpen();
}

function keepDraft(url, words) {
  const [, name] = new URL(url).pathname.match(CHAT) ?? [];
  if (!name) return;
  const key = `draft:${decodeURIComponent(name)}`;
  remember(key, (recall(key) ?? "") + words);
}

/** Whether a key writes, or begins to: a letter, an accent, an input method, a paste. */
function isTyping(event) {
  const isPaste = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v";
  return isPaste || isLetter(event) || ["Dead", "Process"].includes(event.key);
}

/** Whether a key writes a visible letter. The space bar scrolls, and presses buttons. */
function isLetter(event) {
  const isCommand = event.ctrlKey || event.metaKey || event.altKey;
  if (isCommand && !event.getModifierState("AltGraph")) return false;
  // A browser that fills in a form sends keys without a name.
  return event.key !== " " && [...(event.key ?? "")].length === 1;
}
