// Contacts and requests change while they are looked at: take the server's lists again.
import { attempt } from "../page/attempt.js";
import { giveBack } from "../page/focus.js";
import { load, UNSEEN } from "../page/loading.js";
import { ContactFilter } from "./contact_filter.js";
import { LettersIndex } from "./letters_index.js";
import { key } from "./matching.js";

const LISTS = ["friends", "letters", "requests-received", "requests-sent"];
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
  #filter = new ContactFilter();
  #letters = new LettersIndex();

  start() {
    document.addEventListener("live:friend_added", ({ detail }) => {
      dropWordsAbout(detail.friend.username);
    });
    document.addEventListener("live:request_changed", ({ detail }) => {
      dropWordsAbout(requestOf(detail.request_id)?.dataset.username);
    });
    for (const kind of KINDS) document.addEventListener(`live:${kind}`, () => this.#refresh());
    document.addEventListener("live:friend_changed", ({ detail }) => {
      const { old_username: old, friend } = detail;
      if (old !== friend.username) this.#leave(old, `${encodeURIComponent(friend.username)}/`);
    });
    document.addEventListener("live:friend_removed", ({ detail }) => {
      if (!isSending("#contact")) this.#leave(detail.username, "");
    });
  }

  connect() {
    this.#filter.connect();
    this.#letters.connect();
  }

  disconnect() {
    this.#filter.disconnect();
    this.#letters.disconnect();
  }

  /** Leave the page of a friend who is none any more, or has another name. */
  #leave(username, path) {
    if (document.getElementById("contact")?.dataset.with !== username) return;
    location.replace(`${document.body.dataset.base}contacts/${path}`);
  }

  /** Fetch the contacts page, and take its lists and its badge; several calls make one fetch. */
  async #refresh() {
    this.#isStale = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#isStale) {
      this.#isStale = false;
      const page = await fetchContacts();
      // Without one, the next event or the next visit shows the change.
      if (page) attempt(() => this.#take(page));
    }
    this.#isAsking = false;
  }

  #take(page) {
    for (const id of LISTS) {
      const [list, fresh] = [document.getElementById(id), page.getElementById(id)];
      if (!list || !fresh) continue;
      const current = list.querySelector("[aria-current]")?.getAttribute("href");
      const hadFocus = list.contains(document.activeElement);
      const focused = hadFocus ? selectorOf(document.activeElement) : null;
      list.replaceChildren(...document.importNode(fresh, true).childNodes);
      for (const link of list.querySelectorAll("a")) {
        if (link.getAttribute("href") === current) link.setAttribute("aria-current", "page");
      }
      if (focused) refocus(list, focused);
      const empty = list.parentElement.querySelector(".empty");
      if (empty) empty.hidden = list.children.length > 0;
    }
    this.#filter.show();
    const badge = page.querySelector("#tabs [data-badge=contacts]");
    for (const element of document.querySelectorAll("[data-badge=contacts]")) {
      element.textContent = badge.textContent;
      element.hidden = badge.hidden;
    }
  }
}

/** Fetch the contacts page, as `load` does. */
export function fetchContacts() {
  return load(`${document.body.dataset.base}contacts/`, UNSEEN);
}

function requestOf(id) {
  return document.querySelector(`.request[data-request-id="${Number(id)}"]`);
}

/** Whether a form in there is on its way: its answer will say what has changed. */
function isSending(selector) {
  return document.querySelector(`${selector} :disabled`) !== null;
}

/** A selector for a link or a button in a list, to find it in another version of the list. */
function selectorOf(element) {
  const form = element.closest("form");
  const [name, holder] = form ? ["action", form] : ["href", element];
  return `[${name}="${CSS.escape(holder.getAttribute(name) ?? "")}"]`;
}

/** Put the focus where it was, if that is still there. */
function refocus(list, selector) {
  const holder = list.querySelector(selector);
  const control = holder?.matches("form") ? holder.querySelector("button") : holder;
  control?.focus({ preventScroll: true });
  giveBack();
}

/** Take back what the page of requests said of somebody before the news. */
function dropWordsAbout(username) {
  if (!username || document.getElementById("detail").dataset.view !== "requests") return;
  for (const notice of document.querySelectorAll("#detail .notice.success")) {
    const list = notice.parentElement;
    const names = [...notice.querySelectorAll("bdi")].map((name) => name.textContent);
    if (names.includes(username)) notice.remove();
    if (!list.children.length) list.remove(); // with its padding
  }
  const field = document.querySelector("#add-friend .has-error");
  if (!field || key(field.querySelector("input").value) !== key(username)) return;
  field.classList.remove("has-error");
  for (const error of field.querySelectorAll(".field-error")) error.remove();
}
