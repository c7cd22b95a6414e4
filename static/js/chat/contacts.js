// Contacts and requests change while they are looked at: take the server's lists again.
const LISTS = ["friends", "requests-received", "requests-sent"];
const KINDS = [
  "friend_request",
  "request_changed",
  "friend_added",
  "friend_removed",
  "friend_changed",
];

export class Contacts {
  #isAsking = false;
  #isStale = false;

  start() {
    for (const kind of KINDS) document.addEventListener(`live:${kind}`, () => this.#refresh());
    document.addEventListener("live:friend_changed", ({ detail }) => {
      const { old_username: old, friend } = detail;
      if (old !== friend.username) this.#leave(old, `${encodeURIComponent(friend.username)}/`);
    });
    document.addEventListener("live:friend_removed", ({ detail }) => {
      if (detail.reason === "deleted") this.#leave(detail.username, "");
    });
  }

  /** Leave the page of a name that nobody has any more. */
  #leave(username, path) {
    if (document.getElementById("contact")?.dataset.with !== username) return;
    location.replace(`${document.body.dataset.base}contacts/${path}`);
  }

  /** Fetch the contacts page, and take its lists and its badge; several calls make one fetch. */
  async #refresh() {
    this.#isStale = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const url = `${document.body.dataset.base}contacts/`;
        const response = await fetch(url, { credentials: "same-origin" });
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        if (page.body.dataset.userId === document.body.dataset.userId) this.#take(page);
      }
    } catch {
      // The next event, or the next visit, shows the change.
    }
    this.#isAsking = false;
  }

  #take(page) {
    for (const id of LISTS) {
      const [list, fresh] = [document.getElementById(id), page.getElementById(id)];
      if (!list || !fresh) continue;
      const current = list.querySelector("[aria-current]")?.getAttribute("href");
      list.replaceChildren(...document.importNode(fresh, true).childNodes);
      for (const link of list.querySelectorAll("a")) {
        if (link.getAttribute("href") === current) link.setAttribute("aria-current", "page");
      }
      const empty = list.parentElement.querySelector(".empty");
      if (empty) empty.hidden = list.children.length > 0;
    }
    const badge = page.querySelector("#tabs [data-badge=contacts]");
    for (const element of document.querySelectorAll("[data-badge=contacts]")) {
      element.textContent = badge.textContent;
      element.hidden = badge.hidden;
    }
  }
}
