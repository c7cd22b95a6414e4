// Notices and announcements, shown over the page until they are confirmed.
import { text } from "../strings.js";

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
    // Escape does not confirm.
    this.#dialog.addEventListener("close", this.#show);
    this.#tabs.addEventListener("message", this.#onConfirmedElsewhere);
    document.addEventListener("live:notice", () => this.#askNotices());
    document.addEventListener("live:announcement", ({ detail }) => {
      const { announcement_id: id, id: edition, text: words } = detail;
      this.#putAnnouncement({ id, edition, text: words });
    });
    this.#dialog.open = false;
    this.#show();
  }

  #show = () => {
    if (this.#items.children.length && !this.#dialog.open) this.#dialog.showModal();
    if (!this.#items.children.length && this.#dialog.open) this.#dialog.close();
  };

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
    item.querySelector(".pending-text").textContent = words;
    if (!stands) this.#items.append(item);
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
    this.#show();
  }
}
