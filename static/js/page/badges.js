// The number of unread messages on the tab, in the title and in the favicon.
const SHOWN_AT_MOST = 99;

/** A count as badges and sentences show it: “7”, “99+”. */
export function countOf(count) {
  return count > SHOWN_AT_MOST ? `${SHOWN_AT_MOST}+` : String(count);
}

/** Show a count on a badge, a dot for a muted or marked chat, nothing for zero. */
export function showBadge(badge, count, { muted = false, markedUnread = false } = {}) {
  const isDot = (count > 0 && muted) || (count === 0 && markedUnread);
  badge.hidden = count === 0 && !isDot;
  badge.classList.toggle("dot", isDot);
  badge.textContent = isDot || !count ? "" : countOf(count);
}

/** The only reader of the page's first title: every other would find the count in it. */
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

  /** Put the count before this title from now on; a name may begin with brackets of its own. */
  setTitle(title) {
    this.#title = title;
    this.#call();
  }

  /** Show the count as the settings have it by now. */
  redraw() {
    this.#call();
  }

  #show() {
    if (!this.#store.isLoaded) return;
    const count = this.#store.unread;
    if (count === this.#count) return;
    this.#count = count;
    for (const badge of document.querySelectorAll("[data-badge=chats]")) showBadge(badge, count);
    this.#call();
  }

  #call() {
    const count = document.body.dataset.count === "on" ? this.#count : 0;
    document.title = count ? `(${countOf(count)}) ${this.#title}` : this.#title;
    const icon = document.querySelector("link[rel=icon]");
    const url = this.#icons[Math.min(count, this.#icons.length - 1)];
    if (icon.getAttribute("href") !== url) icon.setAttribute("href", url);
  }
}
