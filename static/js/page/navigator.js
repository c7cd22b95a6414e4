// Go from page to page without a reload: fetch the next one, and put its panes in place.
const PANES = ["list", "detail"];

/** Replace the content and the attributes of an element by those of its counterpart. */
function adopt(element, counterpart) {
  for (const { name } of [...element.attributes]) {
    if (!counterpart.hasAttribute(name)) element.removeAttribute(name);
  }
  for (const { name, value } of counterpart.attributes) element.setAttribute(name, value);
  element.replaceChildren(...document.importNode(counterpart, true).childNodes);
}

export class Navigator {
  #leave;
  #arrive;
  #visit = 0;

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
    document.addEventListener("click", this.#onClick);
    addEventListener("popstate", this.#onPopState);
    this.#arrive({ lastEvent: Number(document.body.dataset.lastEvent), changed: PANES });
  }

  /** Go to a page as a click on its link would. */
  visit(url) {
    return this.#go(url, () => history.pushState(null, "", url));
  }

  /** Show the answer to a form: its page, and the address that it ended at. */
  async show(response) {
    const url = response.url;
    if (!(await this.#take(response, this.#visit))) {
      location.assign(url);
      return;
    }
    if (response.redirected && url !== location.href) history.pushState(null, "", url);
  }

  #onClick = (event) => {
    const link = event.target.closest?.("a[data-nav]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.href === location.href && link.closest("#tabs")) return;
    this.visit(link.href);
  };

  #onPopState = () => this.#go(location.href, () => {});

  async #go(url, moved) {
    const visit = ++this.#visit;
    try {
      const response = await fetch(url, { credentials: "same-origin" });
      if (visit !== this.#visit) return;
      moved();
      if (!(await this.#take(response, visit))) throw new Error("another page");
    } catch {
      if (visit === this.#visit) location.assign(url);
    }
  }

  async #take(response, visit) {
    if (!response.headers.get("Content-Type")?.includes("text/html")) return false;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (page.body.dataset.userId !== document.body.dataset.userId) return false;
    if (visit !== this.#visit) return true;
    this.#place(page);
    return true;
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
