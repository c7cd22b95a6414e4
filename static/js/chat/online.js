// A dot for friends who have a page open.
const ASKED_EVERY = 25_000; // ms, on a visible page

export class Online {
  #api;
  #friends = new Set();

  constructor(api) {
    this.#api = api;
  }

  start() {
    const ask = () => document.visibilityState === "visible" && this.#ask();
    setInterval(ask, ASKED_EVERY);
    document.addEventListener("visibilitychange", ask);
    // Later, as the list has yet to make the rows of chats that have come back.
    document.addEventListener("store:changed", () => queueMicrotask(() => this.#show()));
    ask();
  }

  /** Show the dots in new panes. */
  arrive() {
    this.#show();
  }

  async #ask() {
    try {
      this.#friends = new Set((await this.#api.get("online/")).online);
      this.#show();
    } catch {
      // The next request comes soon.
    }
  }

  #show() {
    for (const row of document.querySelectorAll("#chats .row, #friends .row")) {
      row.toggleAttribute("data-online", this.#friends.has(row.dataset.username));
    }
    const conversation = document.getElementById("conversation");
    const isOnline = this.#friends.has(conversation?.dataset.with);
    conversation?.toggleAttribute("data-online", isOnline);
  }
}
