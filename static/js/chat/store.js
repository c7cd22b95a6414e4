// What the chat list knows of every friend: the one place where events are counted.
import { preview } from "./attachment.js";
import { stateWords } from "./thread.js";

const UNREAD_AT_MOST = 100; // as the API counts

/**
 * A Map of conversations by username: {with, remark, unread, markedUnread, muted, pinned, hidden,
 * lastId, lastText, lastAt}. It stands as of one event of the log, and folds those that come after.
 */
export class ChatStore {
  #api;
  #feed;
  #chats = new Map();
  #standsAt = Infinity; // until it is loaded, nothing is folded
  #isTelling = false;

  constructor(api, feed) {
    this.#api = api;
    this.#feed = feed;
    const fold = (kind, change) => {
      document.addEventListener(`live:${kind}`, ({ detail }) => {
        if (detail.id <= this.#standsAt) return;
        change(detail);
        this.#tell();
      });
    };
    fold("message", ({ message }) => this.#onMessage(message));
    fold("message_changed", ({ message }) => this.#onMessageChanged(message));
    fold("read", (event) => this.#update(event.with, { unread: event.unread }));
    fold("friend_added", ({ friend }) => this.#onFriendAdded(friend));
    fold("friend_removed", ({ username }) => this.#chats.delete(username));
    fold("friend_changed", (event) => this.#onFriendChanged(event));
    fold("conversation_changed", ({ conversation }) => this.#set(conversation));
  }

  get isLoaded() {
    return this.#standsAt < Infinity;
  }

  /** Of all chats that may call for attention. */
  get unread() {
    let sum = 0;
    for (const chat of this.#chats.values()) if (!chat.muted) sum += chat.unread;
    return sum;
  }

  /** Pinned first, then by the newest message. */
  get inOrder() {
    const rank = (chat) => [chat.pinned ? 1 : 0, chat.lastId];
    const shown = [...this.#chats.values()].filter((chat) => !chat.hidden);
    return shown.sort((a, b) => {
      const [pinnedA, idA] = rank(a);
      const [pinnedB, idB] = rank(b);
      return pinnedB - pinnedA || idB - idA;
    });
  }

  get(username) {
    return this.#chats.get(username);
  }

  /** Take what the rows of a page show, or ask where the page shows none. */
  async load(page) {
    if (page.getElementById("chats")) {
      for (const row of page.querySelectorAll("#chats > .row")) this.#takeRow(row);
      this.#standsAt = Number(page.body.dataset.lastEvent);
      this.#tell();
      return;
    }
    try {
      const answer = await this.#api.get("conversations/");
      for (const conversation of answer.conversations) this.#set(conversation);
      this.#standsAt = answer.last_event;
      this.#tell();
    } catch {
      setTimeout(() => this.load(page), 5_000);
    }
  }

  /** Read here; the server's own word follows as an event. */
  markRead(username) {
    const chat = this.#chats.get(username);
    if (!chat?.unread && !chat?.markedUnread) return;
    this.#update(username, { unread: 0, markedUnread: false });
    this.#tell();
  }

  #takeRow(row) {
    this.#chats.set(row.dataset.username, {
      with: row.dataset.username,
      remark: row.dataset.remark,
      unread: Number(row.dataset.unread),
      lastId: Number(row.dataset.lastId),
      lastText: row.querySelector(".row-preview").textContent.trim(),
      lastAt: row.querySelector(".row-time").getAttribute("datetime") ?? "",
      pinned: "pinned" in row.dataset,
      muted: "muted" in row.dataset,
      markedUnread: "markedUnread" in row.dataset,
      hidden: "hidden" in row.dataset,
    });
  }

  #set(conversation) {
    this.#chats.set(conversation.with, {
      with: conversation.with,
      remark: conversation.remark,
      unread: conversation.unread,
      pinned: conversation.pinned,
      muted: conversation.muted,
      markedUnread: Boolean(conversation.marked_unread),
      hidden: Boolean(conversation.hidden),
      ...this.#last(conversation.last_message),
    });
  }

  #last(message) {
    if (!message) return { lastId: 0, lastText: "", lastAt: "" };
    const isMine = message.sender !== message.with;
    return {
      lastId: message.id,
      lastText: message.state === "sent" ? preview(message) : stateWords(message, isMine),
      lastAt: message.sent_at,
    };
  }

  #update(username, changes) {
    const chat = this.#chats.get(username);
    if (chat) Object.assign(chat, changes);
  }

  #onMessage(message) {
    const chat = this.#chats.get(message.with);
    if (!chat) return;
    const isTheirs = message.sender === message.with;
    if (isTheirs) chat.unread = Math.min(chat.unread + 1, UNREAD_AT_MOST);
    Object.assign(chat, this.#last(message), { hidden: false });
  }

  #onMessageChanged(message) {
    if (this.#chats.get(message.with)?.lastId === message.id) {
      this.#update(message.with, this.#last(message));
    }
  }

  #onFriendAdded(friend) {
    if (this.#chats.has(friend.username)) return;
    this.#set({ with: friend.username, remark: friend.remark, unread: 0 });
  }

  #onFriendChanged({ old_username: old, friend }) {
    const chat = this.#chats.get(old);
    if (!chat) return;
    this.#chats.delete(old);
    this.#chats.set(friend.username, { ...chat, with: friend.username, remark: friend.remark });
  }

  /** Once for all that one frame has changed: what is read as it comes never counts as unread. */
  #tell() {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      document.dispatchEvent(new CustomEvent("store:changed"));
    });
  }
}
