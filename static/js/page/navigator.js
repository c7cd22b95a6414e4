// Go from page to page without a reload: fetch the next one, and put its panes in place.
import { text } from "../strings.js";
import { within } from "./patience.js";
import { toast } from "./toast.js";

const PANES = ["list", "detail"];
const PATIENCE = 15_000; // ms for a page; the server itself gives up on its database after 5 s
const PATIENCE_IN_TROUBLE = 3_000; // ms, where the page already says that there is no connection
const NOT_THERE = new Set([502, 503, 504]); // the answers in place of a server that is away or busy

/** Replace the content and the attributes of an element by those of its counterpart. */
function adopt(element, counterpart) {
  for (const { name } of [...element.attributes]) {
    if (!counterpart.hasAttribute(name)) element.removeAttribute(name);
  }
  for (const { name, value } of counterpart.attributes) element.setAttribute(name, value);
  element.replaceChildren(...document.importNode(counterpart, true).childNodes);
}

async function load(url, signal) {
  return await readPage(await fetch(url, { credentials: "same-origin", signal }));
}

/** Parse an answer; null if it is no page of the same person. Throws where there is no answer. */
async function readPage(response) {
  if (NOT_THERE.has(response.status)) throw new Error(`${response.status}`);
  if (!response.headers.get("Content-Type")?.includes("text/html")) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.body.dataset.userId === document.body.dataset.userId ? page : null;
}

function indexInHistory() {
  return history.state?.index ?? 0;
}

export class Navigator {
  #leave;
  #arrive;
  #visit = 0;
  #index = 0; // of the shown page in the history of this tab

  /**
   * `leave` is called before panes change, `arrive` with {title, lastEvent, changed} after; the
   * first page has its title already, and comes without.
   */
  constructor({ leave, arrive }) {
    this.#leave = leave;
    this.#arrive = arrive;
  }

  start() {
    history.scrollRestoration = "manual";
    this.#index = indexInHistory();
    document.addEventListener("click", this.#onClick);
    addEventListener("popstate", this.#onPopState);
    this.#arrive({ lastEvent: Number(document.body.dataset.lastEvent), changed: PANES });
  }

  /** Go to a page as a click on its link would. */
  visit(url) {
    return this.#go(url, () => this.#push(url));
  }

  /** Show the answer to a form: its page, and the address that it ended at. */
  async show(response) {
    const url = response.url;
    const visit = this.#visit;
    const page = await readPage(response);
    if (!page) {
      location.assign(url);
      return;
    }
    if (visit === this.#visit) this.#place(page);
    if (response.redirected && url !== location.href) this.#push(url);
  }

  #push(url) {
    this.#index += 1;
    history.pushState({ index: this.#index }, "", url);
  }

  #onClick = (event) => {
    const link = event.target.closest?.("a[data-nav]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.href === location.href && link.closest("#tabs")) return;
    this.visit(link.href);
  };

  #onPopState = () => {
    if (indexInHistory() === this.#index) return; // back at the page that had to stay
    this.#go(location.href, () => (this.#index = indexInHistory()));
  };

  async #go(url, moved) {
    const visit = ++this.#visit;
    const isInTrouble = !document.getElementById("connection").hidden;
    const patience = isInTrouble ? PATIENCE_IN_TROUBLE : PATIENCE;
    const page = await within(patience, (signal) => load(url, signal)).catch(() => undefined);
    if (visit !== this.#visit) return;
    if (page === undefined) return this.#stay();
    try {
      if (!page) throw new Error("another page");
      moved();
      this.#place(page);
    } catch {
      location.assign(url);
    }
  }

  /** Keep the page, since there is no other, and the address that belongs to it. */
  #stay() {
    toast(text("no_network"));
    const step = this.#index - indexInHistory();
    if (step) history.go(step);
  }

  #place(page) {
    const scrolls = this.#scrollOfList();
    this.#leave();
    const changed = PANES.filter((id) => {
      // The present list is as live as a new one, and keeps its place.
      const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
      if (
        id === "list" &&
        old.dataset.view === fresh.dataset.view &&
        old.dataset.view === "chats"
      ) {
        return false;
      }
      adopt(old, fresh);
      return true;
    });
    document.body.className = page.body.className;
    this.#markTab(page);
    if (
      !changed.includes("list") ||
      scrolls.view === document.getElementById("list").dataset.view
    ) {
      scrolls.restore();
    }
    this.#arrive({ title: page.title, lastEvent: Number(page.body.dataset.lastEvent), changed });
    if (document.body.classList.contains("has-detail")) {
      document.getElementById("detail").focus({ preventScroll: true });
    }
  }

  #scrollOfList() {
    const list = document.getElementById("list");
    const top = list.querySelector("[data-keep-scroll]")?.scrollTop ?? 0;
    return {
      view: list.dataset.view,
      restore: () => {
        const body = document.querySelector("#list [data-keep-scroll]");
        if (body) body.scrollTop = top;
      },
    };
  }

  #markTab(page) {
    const current = page.querySelector("#tabs [aria-current]")?.dataset.tab;
    for (const tab of document.querySelectorAll("#tabs [data-tab]")) {
      if (tab.dataset.tab === current) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
  }
}
