// Lead what is typed while the focus is elsewhere into the message that it is meant for.
import { findField, isDialogOpen, isField } from "./focus.js";
import { closeMenu } from "./menu.js";

const MOST = 4_000; // UTF-16 units kept for a chat that is on its way, as long as a message

export class TypeAhead {
  #kept = "";

  start() {
    document.addEventListener("keydown", this.#onKeyDown);
  }

  /** Put what was typed on the way into the field of the page that is there at its end. */
  pour() {
    const [words, field] = [this.#kept, findField()];
    this.#kept = "";
    if (!words || !field) return;
    field.setRangeText(words, field.value.length, field.value.length, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #onKeyDown = (event) => {
    const isBusy = document.activeElement !== document.body && isField(document.activeElement);
    if (event.defaultPrevented || isBusy || isDialogOpen()) return;
    if (isPageOnItsWay()) this.#keep(event);
    else if (isTyping(event) && findField()) {
      closeMenu();
      // The key itself does the rest, now that the field has the focus.
      findField().focus({ preventScroll: true });
    }
  };

  #keep(event) {
    if (event.key === "Backspace") this.#kept = [...this.#kept].slice(0, -1).join("");
    else if (isLetter(event) || (event.key === " " && this.#kept)) {
      this.#kept = (this.#kept + event.key).slice(0, MOST);
    } else if (event.key !== "Enter" || !this.#kept) return;
    event.preventDefault();
  }
}

/** Whether another page is on its way, for which letters are kept. */
export function isPageOnItsWay() {
  return document.getElementById("detail").getAttribute("aria-busy") === "true";
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
