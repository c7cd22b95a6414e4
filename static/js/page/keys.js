// The keys that work on the whole page; the sheet that `?` opens lists them.
import { text } from "../strings.js";
import { focusField, isDialogOpen, isField } from "./focus.js";
import { closeMenu, isMenuOpen } from "./menu.js";
import { usesKeys } from "./press.js";
import { toast } from "./toast.js";
import { isPageOnItsWay } from "./type_ahead.js";

export class Keys {
  #base;
  #store;
  #visit;
  #address;
  #sheet = document.getElementById("keys");

  /** `visit` goes to a page as a link does; `address` tells which is shown, or on its way. */
  constructor({ base, store, visit, address }) {
    this.#base = base;
    this.#store = store;
    this.#visit = visit;
    this.#address = address;
  }

  start() {
    document.addEventListener("keydown", this.#onKeyDown);
    document.getElementById("keys-button").addEventListener("click", () => {
      // Where a pointer came from, one types on.
      if (!usesKeys()) focusField();
      this.#help();
    });
  }

  #onKeyDown = (event) => {
    if (event.defaultPrevented || event.isComposing || isDialogOpen()) return;
    const act = this.#find(event);
    if (!act) return;
    event.preventDefault();
    act();
  };

  #find({ key, altKey, ctrlKey, metaKey, shiftKey }) {
    const isCommand = (ctrlKey || metaKey) && !altKey;
    if (isCommand && !shiftKey && key.toLowerCase() === "k") return () => this.#search();
    if (isCommand && key === "/") return () => this.#help();
    if (altKey && !ctrlKey && !metaKey && key === "ArrowUp") return () => this.#step(-1);
    if (altKey && !ctrlKey && !metaKey && key === "ArrowDown") return () => this.#step(1);
    if (isCommand || altKey) return null;
    if (key === "Escape") return isMenuOpen() ? closeMenu : this.#leave();
    return ["?", "？"].includes(key) && !isTyping() ? () => this.#help() : null;
  }

  /** Escape leads from anywhere to where one types. */
  #leave() {
    return document.activeElement.id === "composer-text" ? null : focusField;
  }

  #help() {
    this.#sheet.showModal();
  }

  async #search() {
    if (focusSearch()) return;
    await this.#visit(this.#base);
    focusSearch();
  }

  /** Go to the chat below or above the present one in the list. */
  #step(by) {
    const chats = this.#store.inOrder;
    const present = this.#address().match(/\/chat\/([^/]+)\/(?:$|[?#])/)?.[1];
    const at = chats.findIndex((chat) => encodeURIComponent(chat.with) === present);
    const chat = at < 0 ? chats[by > 0 ? 0 : chats.length - 1] : chats[at + by];
    if (!chat) return toast(text(by > 0 ? "last_chat" : "first_chat"));
    closeMenu(); // first, since it gives the focus back
    // Anything typed from now on is meant for that chat.
    if (isField(document.activeElement)) document.activeElement.blur();
    this.#visit(`${this.#base}chat/${encodeURIComponent(chat.with)}/`);
  }
}

/** Whether a letter goes into a text: here, or in the chat that is on its way. */
function isTyping() {
  return isPageOnItsWay() || isField(document.activeElement);
}

/** Put the focus into the search above the chats, if it is in sight. */
function focusSearch() {
  const input = document.getElementById("chat-filter");
  input?.focus();
  input?.select();
  return input !== null && document.activeElement === input;
}
