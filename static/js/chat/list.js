// The rows of the chat list, as the store has them.
import { showBadge } from "../page/badges.js";
import { recall } from "../page/memory.js";
import { text } from "../strings.js";
import { onLate } from "../page/late.js";
import { showAvatar, showFace } from "./avatar.js";
import { ChatMenu } from "./chat_menu.js";

const TICK = 30_000; // ms between looks at whether today has become yesterday

export class ChatList {
  #store;
  #clock;
  #list;
  #timer;
  #shown = new WeakMap(); // row → what it was made from
  #menu;
  #search = null; // it comes with the second script

  constructor({ api, store, clock, replace }) {
    this.#store = store;
    this.#clock = clock;
    this.#menu = new ChatMenu({ api, store, replace });
    onLate(({ ChatSearch }) => {
      this.#search = new ChatSearch({ api, store, clock });
      if (this.#list) this.#search.connect(this.#list);
    });
  }

  connect() {
    this.#list = document.getElementById("chats");
    if (!this.#list) return;
    this.#menu.connect(this.#list);
    document.addEventListener("store:changed", this.#show);
    document.addEventListener("conversation:renamed", this.#markCurrent);
    this.#search?.connect(this.#list);
    this.#timer = setInterval(this.#tick, TICK);
    this.#markCurrent();
    this.#show();
  }

  disconnect() {
    this.#menu.disconnect();
    document.removeEventListener("store:changed", this.#show);
    document.removeEventListener("conversation:renamed", this.#markCurrent);
    this.#search?.disconnect();
    clearInterval(this.#timer);
  }

  #show = () => {
    if (!this.#store.isLoaded) return;
    const rows = new Map([...this.#list.children].map((row) => [row.dataset.username, row]));
    const base = document.body.dataset.base;
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : null;
    let place = this.#list.firstElementChild;
    for (const chat of this.#store.inOrder) {
      const row = rows.get(chat.with) ?? this.#make(chat, base);
      rows.delete(chat.with);
      this.#fill(row, chat);
      // Move only rows that are out of place, so that focus and hover stay where they are.
      if (row === place) place = place.nextElementSibling;
      else this.#list.insertBefore(row, place);
    }
    for (const row of rows.values()) row.remove();
    // A row that has moved has lost it.
    if (document.activeElement === document.body) focused?.focus({ preventScroll: true });
    this.#search?.filter();
  };

  #make(chat, base) {
    const row = document.getElementById("row-template").content.firstElementChild.cloneNode(true);
    row.dataset.username = chat.with;
    row.querySelector("a").href = `${base}chat/${encodeURIComponent(chat.with)}/`;
    showAvatar(row, chat.with, chat.avatar);
    return row;
  }

  #fill(row, chat) {
    const draft = this.#isOpen(chat.with) ? null : recall(`draft:${chat.with}`);
    const state = JSON.stringify([chat, draft]);
    if (this.#shown.get(row) === state) return;
    this.#shown.set(row, state);
    row.dataset.lastId = chat.lastId;
    row.dataset.unread = chat.unread;
    // Only the server knows its pinyin.
    if (row.dataset.remark !== chat.remark) delete row.dataset.readings;
    row.dataset.remark = chat.remark;
    showFace(row.querySelector(".avatar"), chat.avatar);
    row.toggleAttribute("data-pinned", chat.pinned);
    row.toggleAttribute("data-muted", chat.muted);
    row.toggleAttribute("data-marked-unread", chat.markedUnread);
    this.#write(row.querySelector(".row-name"), chat.remark || chat.with);
    row.toggleAttribute("data-draft", Boolean(draft));
    const words = draft ? text("draft", { words: draft }) : chat.lastText;
    this.#write(row.querySelector(".row-preview"), words.slice(0, 80));
    const time = row.querySelector(".row-time");
    time.setAttribute("datetime", chat.lastAt);
    this.#write(time, this.#clock.listed(chat.lastAt));
    showBadge(row.querySelector("[data-unread-badge]"), chat.unread, chat);
  }

  #isOpen(username) {
    return document.getElementById("conversation")?.dataset.with === username;
  }

  #write(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  #tick = () => {
    for (const time of this.#list.querySelectorAll(".row-time")) {
      this.#write(time, this.#clock.listed(time.getAttribute("datetime")));
    }
  };

  #markCurrent = () => {
    const open = document.getElementById("conversation")?.dataset.with;
    for (const row of this.#list.children) {
      const link = row.querySelector("a");
      if (row.dataset.username === open) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
}
