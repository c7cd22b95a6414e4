// The chats that this page knows: the one place where events are counted.
import { faceIn } from "./avatar.js";
import { change, countUnread, FOLDS, inOrder, put } from "./folding.js";

const ASKED_AGAIN = 5_000; // ms

/**
 * A Map of conversations by username: {with, remark, avatar, unread, markedUnread, muted, pinned, hidden,
 * lastId, lastText, lastAt}. It has the state of one event of the log, and folds later ones.
 */
export class ChatStore {
  #api;
  #chats = new Map();
  #standsAt = Infinity; // until it is loaded, nothing is folded
  #isTelling = false;

  constructor(api) {
    this.#api = api;
  }

  start() {
    for (const [kind, fold] of Object.entries(FOLDS)) {
      document.addEventListener(`live:${kind}`, ({ detail }) => {
        if (detail.id <= this.#standsAt) return;
        fold(this.#chats, detail);
        this.#tell();
      });
    }
  }

  get isLoaded() {
    return this.#standsAt < Infinity;
  }

  get unread() {
    return countUnread(this.#chats);
  }

  get inOrder() {
    return inOrder(this.#chats);
  }

  /** Every friend's chat, also those that are put away, in no order. */
  get all() {
    return [...this.#chats.values()];
  }

  get(username) {
    return this.#chats.get(username);
  }

  /** Read the rows of a page, or ask the server if the page has none. */
  load(page) {
    if (!page.getElementById("chats")) {
      this.#ask();
      return;
    }
    for (const row of page.querySelectorAll("#chats > .row")) {
      this.#chats.set(row.dataset.username, readRow(row));
    }
    this.#stand(Number(page.body.dataset.lastEvent));
  }

  /** Mark a chat as read on this page; the server's event follows. */
  markRead(username) {
    const chat = this.#chats.get(username);
    if (!chat?.unread && !chat?.markedUnread) return;
    change(this.#chats, username, { unread: 0, markedUnread: false });
    this.#tell();
  }

  /** Ask until there is an answer: rows that came meanwhile are of another event than the page. */
  async #ask() {
    try {
      const answer = await this.#api.get("conversations/");
      for (const conversation of answer.conversations) put(this.#chats, conversation);
      this.#stand(answer.last_event);
    } catch {
      setTimeout(() => this.#ask(), ASKED_AGAIN);
    }
  }

  #stand(event) {
    this.#standsAt = event;
    this.#tell();
  }

  /** Tell of all changes by a frame at once: a message read as it comes never counts as unread. */
  #tell() {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      document.dispatchEvent(new CustomEvent("store:changed"));
    });
  }
}

function readRow(row) {
  return {
    with: row.dataset.username,
    remark: row.dataset.remark,
    avatar: faceIn(row),
    unread: Number(row.dataset.unread),
    lastId: Number(row.dataset.lastId),
    lastText: row.querySelector(".row-preview").textContent.trim(),
    lastAt: row.querySelector(".row-time").getAttribute("datetime") ?? "",
    pinned: "pinned" in row.dataset,
    muted: "muted" in row.dataset,
    markedUnread: "markedUnread" in row.dataset,
    hidden: "hidden" in row.dataset,
  };
}
