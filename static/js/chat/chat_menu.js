// The menu of a chat, at its row in the list.
import { wordsOf } from "../api.js";
import { ask } from "../page/ask.js";
import { giveBack } from "../page/focus.js";
import { openMenu } from "../page/menu.js";
import { onMenuWanted } from "../page/menu_wish.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";

export class ChatMenu {
  #api;
  #store;
  #replace;
  #unwatch = () => {};

  /** `replace` leads to an address in place of this one. */
  constructor({ api, store, replace }) {
    this.#api = api;
    this.#store = store;
    this.#replace = replace;
  }

  connect(list) {
    this.#unwatch = onMenuWanted(list, ".row", (row, box) => {
      const chat = this.#store.get(row.dataset.username);
      if (chat) openMenu({ box, items: this.#items(chat, row), origin: row.querySelector("a") });
    });
  }

  disconnect() {
    this.#unwatch();
  }

  #items(chat, row) {
    const isUnread = chat.unread > 0 || chat.markedUnread;
    return [
      this.#item(chat, chat.pinned ? "unpin" : "pin", "pin", !chat.pinned),
      isUnread
        ? { label: text("mark_read"), act: () => this.#markRead(chat) }
        : this.#item(chat, "mark_unread", "unread", true),
      this.#item(chat, chat.muted ? "unmute" : "mute", "mute", !chat.muted),
      { label: text("delete_chat"), act: () => this.#hide(chat, row), danger: true },
    ];
  }

  #item(chat, label, how, on) {
    return { label: text(label), act: () => this.#arrange(chat, how, on) };
  }

  async #arrange(chat, how, on) {
    try {
      const path = `${this.#api.conversation(chat.with)}${how}/`;
      const { conversation } = await this.#api.post(path, { on });
      // As the event that follows will do.
      const told = { detail: { conversation } };
      document.dispatchEvent(new CustomEvent("live:conversation_changed", told));
      return true;
    } catch (error) {
      toast(wordsOf(error));
      return false;
    }
  }

  async #markRead(chat) {
    try {
      await this.#api.post(`${this.#api.conversation(chat.with)}read/`, { up_to: chat.lastId });
      this.#store.markRead(chat.with);
    } catch (error) {
      toast(wordsOf(error));
    }
  }

  async #hide(chat, row) {
    const name = chat.remark || chat.with;
    if (!(await ask(text("delete_chat_question", { name }), text("delete")))) return;
    const rows = [...document.querySelectorAll("#chats > .row:not([hidden])")];
    const next = rows[rows.indexOf(row) + 1] ?? rows[rows.indexOf(row) - 1];
    if (!(await this.#arrange(chat, "hide", true))) return;
    toast(text("chat_deleted", { name }));
    const isOpen = document.getElementById("conversation")?.dataset.with === chat.with;
    if (isOpen) await this.#replace(this.#api.base);
    giveBack(next?.querySelector("a") ?? document.getElementById("chat-filter"));
  }
}
