// A new friend is told of wherever one is, with a way into the chat.
import { text } from "../strings.js";

const SHOWN_FOR = 10_000; // ms: long enough to reach for the link

export class Befriended {
  #element = document.getElementById("befriended");
  #words = this.#element.querySelector("span");
  #link = this.#element.querySelector("a");
  #base;
  #username = null;
  #timer;

  constructor(base) {
    this.#base = base;
  }

  start() {
    document.addEventListener("live:friend_added", ({ detail }) => this.#tell(detail.friend));
    document.addEventListener("live:friend_removed", ({ detail }) => {
      if (detail.username === this.#username) this.#hide();
    });
    this.#link.addEventListener("click", () => this.#hide());
  }

  /** Be silent beside the chat itself. */
  arrive() {
    if (openChat() === this.#username) this.#hide();
  }

  #tell({ username, remark }) {
    if (openChat() === username || isAnswering(username)) return;
    this.#username = username;
    this.#words.textContent = text("befriended", { name: remark || username });
    this.#link.href = `${this.#base}chat/${encodeURIComponent(username)}/`;
    this.#element.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#hide(), SHOWN_FOR);
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#username = null;
    this.#element.hidden = true;
  }
}

function openChat() {
  return document.getElementById("conversation")?.dataset.with ?? null;
}

/** Whether this page is accepting their request right now, and will open the chat itself. */
function isAnswering(username) {
  const rows = [...document.querySelectorAll("#requests-received .request")];
  return rows.some((row) => row.dataset.username === username && row.querySelector(":disabled"));
}
