// Notices and announcements, shown over the page until they are confirmed.
import { showText } from "../chat/links.js";
import { text } from "../strings.js";
import { focusField } from "./focus.js";

const ON_PAGE = "#detail [form=pending-form]"; // the button of the page of the announcements

export class Pending {
  #api;
  #dialog = document.getElementById("pending");
  #items = document.getElementById("pending-items");
  #button = this.#dialog.querySelector("[type=submit]");
  #status = this.#dialog.querySelector(".form-status");
  #tabs;

  constructor(api) {
    this.#api = api;
    this.#tabs = new BroadcastChannel(`webchat-pending${api.base}`);
  }

  start() {
    this.#dialog.addEventListener("submit", this.#onSubmit);
    this.#tabs.addEventListener("message", this.#onConfirmedElsewhere);
    document.addEventListener("live:notice", () => this.#askNotices());
    document.addEventListener("live:announcement", ({ detail }) => {
      const { announcement_id: id, id: edition, text: words } = detail;
      this.#putAnnouncement({ id, edition, text: words });
    });
    linkAddresses(this.#items.querySelectorAll(".pending-text"));
  }

  /** Show each announcement once on a page: a new pane may show it itself. */
  arrive() {
    linkAddresses(document.querySelectorAll(".announcement-text"));
    this.#show();
  }

  /** Open or close the dialog; without `show`, which would take the focus from somebody writing. */
  #show() {
    for (const item of this.#items.children) item.hidden = isOnPage(item);
    const items = [...this.#items.children];
    this.#dialog.open = items.some((item) => !item.hidden);
    const button = document.querySelector(ON_PAGE);
    if (button) button.hidden = !items.some((item) => item.hidden);
  }

  /** Ask for the notices in the reader's language, which the event does not know. */
  async #askNotices() {
    try {
      const { notices } = await this.#api.get("notices/");
      for (const notice of notices) this.#put("notice", notice);
      this.#show();
    } catch {
      // The next page shows it.
    }
  }

  #putAnnouncement(announcement) {
    const item = this.#put("announcement", announcement);
    item.dataset.edition = announcement.edition;
    this.#show();
  }

  #put(kind, { id, text: words }) {
    const stands = this.#items.querySelector(`[data-${kind}="${id}"]`);
    const template = document.getElementById(`pending-${kind}`);
    const item = stands ?? template.content.firstElementChild.cloneNode(true);
    item.dataset[kind] = id;
    showText(item.querySelector(".pending-text"), words);
    if (!stands) this.#items.append(item);
    document.getElementById("announce").textContent = words;
    return item;
  }

  #onSubmit = async (event) => {
    event.preventDefault();
    const items = [...this.#items.children];
    const notices = items.flatMap(({ dataset }) => dataset.notice ?? []);
    const upTo = Math.max(0, ...items.map(({ dataset }) => Number(dataset.edition ?? 0)));
    this.#button.disabled = true;
    this.#status.textContent = "";
    try {
      for (const id of notices) await this.#api.post(`notices/${id}/confirm/`);
      if (upTo) await this.#api.post("announcements/seen/", { up_to: upTo });
      this.#take({ notices, upTo });
      this.#tabs.postMessage({ userId: this.#api.userId, notices, upTo });
    } catch {
      this.#status.textContent = text("failed");
    }
    this.#button.disabled = false;
  };

  #onConfirmedElsewhere = ({ data }) => {
    if (data.userId === this.#api.userId) this.#take(data);
  };

  #take({ notices, upTo }) {
    for (const item of [...this.#items.children]) {
      const { notice, edition } = item.dataset;
      if (notices.includes(notice) || Number(edition) <= upTo) item.remove();
    }
    const wasOpen = this.#dialog.open;
    this.#show();
    if (wasOpen && !this.#dialog.open) returnFocus();
  }
}

function isOnPage({ dataset: { announcement, edition } }) {
  const article = `#detail [data-announcement="${announcement}"][data-edition="${edition}"]`;
  return Boolean(announcement && document.querySelector(article));
}

function linkAddresses(elements) {
  for (const element of elements) showText(element, element.textContent);
}

/** Go back from the button to where one writes, or else to the rows or the page. */
function returnFocus() {
  const isElsewhere = document.activeElement?.closest("#detail, #list, #tabs");
  if (isElsewhere || focusField()) return;
  const places = document.querySelectorAll('#list .row-link:not([tabindex="-1"]), #detail');
  const seen = [...places].find((place) => place.checkVisibility());
  seen?.focus({ preventScroll: true });
}
