// The number of unread messages on the tab, in the title and in the favicon.
const SHOWN_AT_MOST = 99;

/** Show a count on a badge, a dot for a muted or marked chat, nothing for zero. */
export function showBadge(badge, count, { muted = false, markedUnread = false } = {}) {
  const isDot = (count > 0 && muted) || (count === 0 && markedUnread);
  badge.hidden = count === 0 && !isDot;
  badge.classList.toggle("dot", isDot);
  const number = count > SHOWN_AT_MOST ? `${SHOWN_AT_MOST}+` : String(count || "");
  badge.textContent = isDot ? "" : number;
}

export class Badges {
  #store;
  #title = document.title;
  #icons = document.querySelector("meta[name=favicons]").content.split(/\s+/);
  #count = null;

  constructor(store) {
    this.#store = store;
  }

  start() {
    document.addEventListener("store:changed", () => this.#show());
    document.addEventListener("conversation:renamed", ({ detail }) => this.setTitle(detail.name));
    this.#show();
  }

  setTitle(title) {
    this.#title = title;
    this.#count = null;
    this.#show();
  }

  #show() {
    if (!this.#store.isLoaded) return;
    const count = this.#store.unread;
    if (count === this.#count) return;
    this.#count = count;
    for (const badge of document.querySelectorAll("[data-badge=chats]")) showBadge(badge, count);
    this.#call(document.body.dataset.count === "on" ? count : 0);
  }

  #call(count) {
    const shown = count > SHOWN_AT_MOST ? `${SHOWN_AT_MOST}+` : count;
    document.title = count ? `(${shown}) ${this.#title}` : this.#title;
    const icon = document.querySelector("link[rel=icon]");
    const url = this.#icons[Math.min(count, this.#icons.length - 1)];
    if (icon.getAttribute("href") !== url) icon.setAttribute("href", url);
  }
}
