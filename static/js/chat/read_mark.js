// How far the open conversation was read.
export class ReadMark {
  #api;
  #feed;
  #store;
  #thread;
  #history;
  #element;
  #readThrough;

  constructor(element, { api, feed, store, thread, history }) {
    this.#element = element;
    this.#api = api;
    this.#feed = feed;
    this.#store = store;
    this.#thread = thread;
    this.#history = history;
    this.#readThrough = Number(element.dataset.lastRead);
  }

  /** Another page of the reader may have read further. */
  onRead(event) {
    if (event.with !== this.#element.dataset.with) return;
    this.#readThrough = Math.max(this.#readThrough, event.last_read);
  }

  /** Draw the line above what is new. */
  show() {
    const unread = this.#store.get(this.#element.dataset.with)?.unread;
    if (unread && !this.#history.hasNewer) this.#thread.markUnread(this.#readThrough, unread);
  }

  /** Reading is seeing the end of the thread on a visible page, and nothing else. */
  mark() {
    if (document.visibilityState !== "visible" || !this.#thread.place.isAtEnd) return;
    if (this.#history.hasNewer) return;
    const upTo = this.#thread.order.newestId;
    const username = this.#element.dataset.with;
    const chat = this.#store.get(username);
    const isUnread = chat?.markedUnread || (upTo > this.#readThrough && chat?.unread);
    if (!isUnread) return;
    this.#readThrough = upTo;
    this.#store.markRead(username);
    if (this.#feed.tell({ type: "read", with: username, up_to: upTo })) return;
    this.#api.post(`${this.#api.conversation(username)}read/`, { up_to: upTo }).catch(() => {
      this.#readThrough = 0; // said again with the next occasion
    });
  }
}
