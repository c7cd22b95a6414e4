// The menu of a message, and the acts of its items.
import { wordsOf } from "../api.js";
import { ask } from "../page/ask.js";
import { copy } from "../page/clipboard.js";
import { giveBack } from "../page/focus.js";
import { closeMenu, isMenuOpen, openMenu } from "../page/menu.js";
import { onMenuWanted } from "../page/menu_wish.js";
import { recall, remember } from "../page/memory.js";
import { isSecondOfTwo } from "../page/press.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { offerEdit, read } from "./bubble.js";
import { canForward } from "./message.js";

const RECALL_WITHIN = 2 * 60_000; // ms; the server has the last word
const EDITABLE_FOR = 5 * 60_000; // ms after the recall

export class MessageMenu {
  #api;
  #clock;
  #go;
  #composer;
  #withTools;
  #list;
  #unwatch;

  constructor({ api, clock, go }) {
    this.#api = api;
    this.#clock = clock;
    this.#go = go;
  }

  /**
   * The composer gets the quoted message, or the text of a recalled one to edit; `withTools` calls a
   * function with the tools of the conversation, as soon as they are there.
   */
  connect({ composer, withTools }) {
    this.#composer = composer;
    this.#withTools = withTools;
    this.#list = document.getElementById("messages");
    this.#list.addEventListener("click", this.#onClick);
    const recalled = this.#recalled;
    remember("recalled", recalled); // without those of before
    for (const id in recalled) {
      offerEdit(document.querySelector(`#m${id}[data-state="recalled"]`)); // the others were refused
    }
    this.#unwatch = onMenuWanted(this.#list, ".bubble, .message-more", (element, box) => {
      this.#open(element.closest(".message"), box);
    });
  }

  disconnect() {
    this.#list.removeEventListener("click", this.#onClick);
    this.#unwatch();
  }

  #onClick = (event) => {
    const button = event.target.closest(".message-more");
    if (button && !isSecondOfTwo(event)) {
      if (isMenuOpen(button)) closeMenu();
      else this.#open(button.closest(".message"), button.getBoundingClientRect());
    }
    const edit = event.target.closest(".edit-again");
    if (edit) this.#edit(edit);
  };

  #edit(button) {
    const recalled = this.#recalled[button.closest(".message").dataset.id];
    if (recalled) this.#composer.write(recalled.words);
    else button.remove();
  }

  /** {id: {words, at}} of the messages that can be written again. */
  get #recalled() {
    const known = Object.entries(recall("recalled") ?? {});
    return Object.fromEntries(
      known.filter(([, { at }]) => this.#clock.now() - at < EDITABLE_FOR),
    );
  }

  #open(message, box) {
    const items = this.#items(message);
    if (items.length) openMenu({ box, items, origin: message.querySelector(".message-more") });
  }

  #items(message) {
    const facts = read(message);
    const { id, state, sender, words, attachment } = facts;
    const isMine = message.classList.contains("mine");
    const items = [];
    const add = (label, act, danger = false) => items.push({ label: text(label), act, danger });
    if (attachment) {
      if (id) add("save", () => save(attachment));
    } else if (state === "sent" || !id) {
      const part = selectedIn(message.querySelector(".bubble")); // before the menu takes the focus
      add("copy", () => copy(part || words));
    }
    if (!id) return items;
    if (canForward(facts)) {
      add("forward", () => this.#withTools((tools) => tools.forward([facts])));
    }
    if (state === "sent") {
      add("quote", () => this.#composer.quote({ id, sender, text: words, attachment }));
      if (isMine && this.#isFresh(message)) {
        add("recall", () => this.#recall(message, attachment ? "" : words));
      }
    }
    add("select", () => this.#withTools((tools) => tools.select(message)));
    if (!isMine && state !== "removed") add("report", () => this.#report(id));
    add("delete", () => this.#hide(id), true);
    return items;
  }

  #isFresh(message) {
    const sent = Date.parse(message.querySelector("time").getAttribute("datetime"));
    return this.#clock.now() - sent < RECALL_WITHIN;
  }

  /** Recall a message, whose words can be written again, if it has any. */
  async #recall(message, words) {
    const id = Number(message.dataset.id);
    if (words) remember("recalled", { ...this.#recalled, [id]: { words, at: this.#clock.now() } });
    const answer = await this.#post(`messages/${id}/recall/`);
    if (answer) this.#tell("message_changed", { message: answer.message });
  }

  async #hide(id) {
    if (!(await ask(text("delete_question"), text("delete")))) return;
    const answer = await this.#post(`messages/${id}/hide/`);
    if (!answer) return;
    this.#tell("message_hidden", { message_id: Number(id) });
    toast(text("deleted"));
    giveBack();
  }

  async #post(path) {
    try {
      return await this.#api.post(path);
    } catch (error) {
      toast(wordsOf(error));
      return null;
    }
  }

  /** Do as the event that follows will do: whichever comes second changes nothing. */
  #tell(kind, detail) {
    document.dispatchEvent(new CustomEvent(`live:${kind}`, { detail }));
  }

  #report(id) {
    const username = encodeURIComponent(document.getElementById("conversation").dataset.with);
    this.#go(`${this.#api.base}chat/${username}/report/?message=${id}`);
  }

  /** Whether the text of a recalled message is still known here. */
  canEdit(id) {
    return id in this.#recalled;
  }
}

/** Save a file under its name. */
function save({ url, name }) {
  const link = document.createElement("a");
  [link.href, link.download] = [url, name];
  link.click();
}

/** The text that is selected in an element, if nothing else is. */
function selectedIn(element) {
  const selection = getSelection();
  const { rangeCount } = selection;
  const isInside = rangeCount && element.contains(selection.getRangeAt(0).commonAncestorContainer);
  return isInside ? selection.toString().trim() : "";
}
