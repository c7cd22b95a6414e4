// The read mark of the open conversation.
export class ReadMark {
  #api;
  #feed;
  #store;
  #thread;
  #pages;
  #unread;
  #element;
  #readThrough;

  constructor(element, { api, feed, store, thread, pages, unread }) {
    this.#element = element;
    this.#api = api;
    this.#feed = feed;
    this.#store = store;
    this.#thread = thread;
    this.#pages = pages;
    this.#unread = unread;
    this.#readThrough = Number(element.dataset.lastRead);
  }

  /** Take over the mark of another page of the reader, which may be further. */
  follow(event) {
    if (event.with !== this.#element.dataset.with) return;
    this.#readThrough = Math.max(this.#readThrough, event.last_read);
  }

  /** Draw the line above the new messages. */
  show() {
    const count = this.#store.get(this.#element.dataset.with)?.unread;
    if (count) this.#unread.show(this.#readThrough, count);
  }

  /** Mark as read when the end of the thread is seen on a visible page, and only then. */
  mark() {
    if (document.visibilityState !== "visible" || !this.#thread.place.isAtEnd) return;
    if (this.#pages.hasNewer) return;
    const upTo = this.#thread.order.newestId;
    const username = this.#element.dataset.with;
    const chat = this.#store.get(username);
    const isUnread = chat?.markedUnread || (upTo > this.#readThrough && chat?.unread);
    if (!isUnread) return;
    this.#readThrough = upTo;
    this.#store.markRead(username);
    if (this.#feed.tell({ type: "read", with: username, up_to: upTo })) return;
    this.#api.post(`${this.#api.conversation(username)}read/`, { up_to: upTo }).catch(() => {
      this.#readThrough = 0; // sent again on the next occasion
    });
  }
}
