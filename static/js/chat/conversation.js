// The open conversation: its thread, its composer, its history and its read mark.
import { Clock } from "../page/clock.js";
import { text } from "../strings.js";
import { Composer } from "./composer.js";
import { EmojiPanel } from "./emoji.js";
import { MessageMenu } from "./message_menu.js";
import { Thread } from "./thread.js";
import { uuid } from "./uuid.js";

const PAGE_SIZE = 50;
const TYPING_SHOWN = 5_000; // ms after the last word of it

export class Conversation {
  #api;
  #feed;
  #store;
  #outbox;
  #clock = new Clock();
  #element = null;
  #with;
  #thread;
  #composer;
  #emoji;
  #menu;
  #visit;
  #hasMore = false;
  #hasNewer = false; // the thread stands somewhere in the history
  #isLoading = false;
  #readThrough = 0;
  #typing;

  constructor({ api, feed, store, outbox, visit }) {
    this.#api = api;
    this.#feed = feed;
    this.#store = store;
    this.#outbox = outbox;
    this.#visit = visit;
    this.#menu = new MessageMenu({
      api,
      clock: this.#clock,
      quote: (quote) => this.#composer.quote(quote),
      edit: (words) => this.#composer.write(words),
    });
    const on = (name, handle) => {
      document.addEventListener(name, ({ detail }) => this.#element && handle(detail));
    };
    on("live:message", ({ message }) => this.#onMessage(message));
    on("live:message_changed", ({ message }) => this.#onMessageChanged(message));
    on("live:message_hidden", ({ message_id: id }) => this.#thread.remove(id));
    on("live:typing", ({ from }) => from === this.#with && this.#showTyping());
    on("live:friend_removed", (event) => this.#onFriendRemoved(event));
    on("live:friend_added", ({ friend }) => this.#onFriendAdded(friend));
    on("live:friend_changed", (event) => this.#onFriendChanged(event));
    on("live:read", (event) => this.#onRead(event));
    on("outbox:sending", ({ clientId }) => this.#thread.setState(clientId, "pending"));
    on("outbox:sent", ({ message }) => this.#onMessage(message));
    on("outbox:failed", (failure) => this.#onFailed(failure));
    document.addEventListener("visibilitychange", () => this.#markRead());
    addEventListener("focus", () => this.#markRead());
  }

  connect({ lastEvent, changed }) {
    if (!changed.includes("detail")) return;
    this.#element = document.getElementById("conversation");
    if (!this.#element) return;
    this.#with = this.#element.dataset.with;
    this.#hasMore = this.#element.dataset.more === "true";
    this.#hasNewer = this.#element.dataset.newer === "true";
    this.#readThrough = Number(this.#element.dataset.lastRead);
    this.#thread = new Thread();
    this.#thread.connect();
    this.#thread.onScroll(this.#onScroll);
    this.#composer = new Composer(document.getElementById("composer"), this.#with, {
      send: this.#send,
      typing: () => this.#feed.tell({ type: "typing", to: this.#with }),
    });
    this.#composer.connect();
    this.#emoji = new EmojiPanel((emoji) => this.#composer.insert(emoji));
    this.#emoji.connect();
    this.#menu.connect();
    document.getElementById("new-pill").addEventListener("click", this.#toEnd);
    document.getElementById("messages").addEventListener("click", this.#onQuote);
    if (!this.#hasNewer) this.#showLetters();
    document.getElementById("older").addEventListener("click", this.#onOlder);
    this.#showWhereToRead();
    this.#markRead();
    // The page is older than what this tab has handled already: the thread lacks the rest.
    if (lastEvent < this.#feed.cursor && !this.#hasNewer) this.#catchUp();
    this.#fill();
  }

  disconnect() {
    if (!this.#element) return;
    this.#thread.disconnect();
    this.#composer.disconnect();
    this.#emoji.disconnect();
    this.#menu.disconnect();
    clearTimeout(this.#typing);
    document.getElementById("messages").removeEventListener("click", this.#onQuote);
    this.#element = null;
  }

  // Outwards

  #send = (words, quote) => {
    const letter = { clientId: uuid(), to: this.#with, text: words, time: this.#clock.minute() };
    if (quote) letter.quote = quote;
    this.#outbox.add(letter);
    if (this.#hasNewer) this.#toEnd();
    else this.#thread.putPending(letter);
  };

  #showLetters() {
    for (const letter of this.#outbox.lettersTo(this.#with)) {
      this.#thread.putPending(letter);
      if (letter.refused) this.#onFailed({ clientId: letter.clientId, reason: letter.refused });
    }
  }

  #onFailed({ clientId, reason }) {
    const button = (className, words, act) => {
      const element = document.createElement("button");
      element.type = "button";
      element.className = className;
      element.textContent = words;
      element.addEventListener("click", act);
      return element;
    };
    const retry = button("retry", text("retry"), () => this.#outbox.retry(clientId));
    const discard = button("discard", text("discard"), () => {
      this.#outbox.discard(clientId);
      this.#thread.discard(clientId);
    });
    this.#thread.setState(clientId, "failed", { reason, actions: [retry, discard] });
  }

  // Inwards

  #isMine(message) {
    return message.sender !== message.with;
  }

  #onMessage(message) {
    if (this.#isMine(message)) this.#outbox.arrived(message.client_id);
    if (message.with !== this.#with) return;
    const isNew = !this.#thread.has(message.id);
    if (this.#hasNewer && isNew) {
      this.#thread.offerEnd(); // it has its place below what is shown
      return;
    }
    this.#thread.put(message, this.#isMine(message));
    if (isNew && !this.#isMine(message)) {
      this.#hideTyping();
      this.#announce(message);
      this.#markRead();
    }
  }

  #onMessageChanged(message) {
    if (message.with !== this.#with) return;
    this.#thread.showQuoted(message);
    if (!this.#thread.has(message.id)) return;
    this.#thread.put(message, this.#isMine(message));
    if (message.state === "recalled" && this.#menu.canEdit(message.id)) {
      this.#thread.offerEdit(message.id);
    }
  }

  #onRead(event) {
    if (event.with === this.#with) this.#readThrough = Math.max(this.#readThrough, event.last_read);
  }

  #onFriendRemoved({ username, reason }) {
    if (username !== this.#with) return;
    this.#composer.lock(text(reason === "deleted" ? "account_deleted" : "no_longer_friends"));
  }

  #onFriendAdded(friend) {
    if (friend.username === this.#with) location.reload();
  }

  #onFriendChanged({ old_username: old, friend, unavailable }) {
    if (old !== this.#with) return;
    const name = friend.remark || friend.username;
    this.#element.querySelector(".conversation-name").textContent = name;
    if (old !== friend.username) this.#follow(friend.username, name);
    const reason = unavailable ? "unavailable" : friend.blocked ? "blocked" : null;
    this.#composer.notify(reason ? text(reason) : "");
  }

  /** The friend has another name: everything here that goes by the old one goes along. */
  #follow(username, name) {
    const [old, current] = [this.#with, username].map((each) => `/${encodeURIComponent(each)}/`);
    this.#with = username;
    this.#element.dataset.with = username;
    for (const attribute of ["href", "action"]) {
      for (const element of this.#element.querySelectorAll(`[${attribute}]:not(.bubble *)`)) {
        element.setAttribute(attribute, element.getAttribute(attribute).replace(old, current));
      }
    }
    this.#composer.rename(username);
    this.#thread.rename(username);
    history.replaceState(null, "", `${this.#api.base}chat${current}`);
    document.dispatchEvent(new CustomEvent("conversation:renamed", { detail: { name } }));
    // What came since under the new name was not known to be for here.
    this.#catchUp().catch(() => location.reload());
  }

  #announce(message) {
    const name = this.#element.querySelector(".conversation-name").textContent;
    document.getElementById("announce").textContent = `${name}: ${message.text ?? ""}`;
  }

  // Reading

  /** Reading is seeing the end of the thread on a visible page, and nothing else. */
  #markRead() {
    if (!this.#element || document.visibilityState !== "visible" || !this.#thread.isAtEnd) return;
    if (this.#hasNewer) return;
    const upTo = this.#thread.newestId;
    const chat = this.#store.get(this.#with);
    const isUnread = chat?.markedUnread || (upTo > this.#readThrough && chat?.unread);
    if (!isUnread) return;
    this.#readThrough = upTo;
    const username = this.#with;
    this.#store.markRead(username);
    if (this.#feed.tell({ type: "read", with: username, up_to: upTo })) return;
    this.#api.post(`${this.#api.conversation(username)}read/`, { up_to: upTo }).catch(() => {
      if (this.#with === username) this.#readThrough = 0; // said again with the next occasion
    });
  }

  // History

  #onScroll = () => {
    this.#markRead();
    if (this.#thread.isNearStart) this.#loadOlder();
    if (this.#hasNewer && this.#thread.isNearEnd) this.#loadNewer();
  };

  /** Whether there are older messages than the thread holds. */
  #reach({ older }) {
    this.#hasMore = older;
    this.#thread.offerOlder(older);
  }

  #onOlder = (event) => {
    event.preventDefault();
    this.#loadOlder();
  };

  /** A short first page on a tall screen leaves room that the history can take. */
  #fill() {
    const { scrollHeight, clientHeight } = document.getElementById("thread");
    if (scrollHeight <= clientHeight) this.#loadOlder();
  }

  async #loadOlder() {
    if (!this.#hasMore || this.#isLoading) return;
    this.#isLoading = true;
    const username = this.#with;
    try {
      const answer = await this.#page(`before=${this.#thread.oldestId}`);
      if (this.#with === username && this.#element) {
        if (this.#thread.putOlder(answer.messages, this.#isMine)) this.#hasNewer = true;
        this.#reach({ older: answer.more });
      }
    } catch {
      // The link stays, and the next scroll tries again.
    }
    this.#isLoading = false;
  }

  async #loadNewer() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const username = this.#with;
    try {
      const answer = await this.#page(`after=${this.#thread.newestId}`);
      if (this.#with === username && this.#element) {
        if (this.#thread.putNewer(answer.messages, this.#isMine)) this.#reach({ older: true });
        this.#hasNewer = answer.more;
        if (!answer.more) {
          // What came between the answer and now was left for this moment.
          await this.#catchUp();
          this.#showLetters();
        }
      }
    } catch {
      // The next scroll tries again.
    }
    this.#isLoading = false;
  }

  #toEnd = () => {
    if (this.#hasNewer) this.#visit(this.#url());
  };

  #url(query = "") {
    return `${this.#api.base}chat/${encodeURIComponent(this.#with)}/${query}`;
  }

  #onQuote = (event) => {
    const link = event.target.closest(".quote");
    if (!link) return;
    event.preventDefault();
    const id = Number(link.dataset.quote);
    if (this.#thread.has(id)) this.#thread.scrollTo(id);
    else this.#visit(this.#url(`?at=${id}`));
  };

  /** At the message that was asked for, or at the end, with a line above what is new. */
  #showWhereToRead() {
    const at = Number(this.#element.dataset.at);
    const unread = this.#store.get(this.#with)?.unread;
    if (unread && !this.#hasNewer) this.#thread.markUnread(this.#readThrough, unread);
    if (at && this.#thread.has(at)) this.#thread.scrollTo(at);
  }

  // The other side is typing

  #showTyping() {
    clearTimeout(this.#typing);
    this.#element.querySelector(".conversation-typing").hidden = false;
    this.#typing = setTimeout(() => this.#hideTyping(), TYPING_SHOWN);
  }

  #hideTyping() {
    clearTimeout(this.#typing);
    const line = this.#element?.querySelector(".conversation-typing");
    if (line) line.hidden = true;
  }

  async #catchUp() {
    const username = this.#with;
    let after = this.#thread.newestId; // live messages may come in between
    let more = true;
    while (more && this.#with === username && this.#element) {
      const answer = await this.#page(`after=${after}`);
      for (const message of answer.messages) this.#onMessage(message);
      after = answer.messages.at(-1)?.id ?? after;
      more = answer.more;
    }
  }

  #page(range) {
    return this.#api.get(`${this.#api.conversation(this.#with)}messages/?${range}&limit=${PAGE_SIZE}`);
  }
}
