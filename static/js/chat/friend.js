// The friend in the open conversation: their presence and their name.
import { text } from "../strings.js";

export class Friend {
  #element;
  #base;
  #thread;
  #composer;
  #pages;
  #readdress;
  #isLost = false;

  constructor(element, { api, thread, composer, pages, readdress }) {
    this.#element = element;
    this.#base = api.base;
    this.#thread = thread;
    this.#composer = composer;
    this.#pages = pages;
    this.#readdress = readdress;
  }

  get username() {
    return this.#element.dataset.with;
  }

  lose({ username, reason }) {
    if (username !== this.username) return;
    this.#isLost = true;
    const isGone = reason === "deleted";
    this.#composer.lock(text(isGone ? "account_deleted" : "no_longer_friends"));
    const again = document.getElementById("composer-again");
    again.querySelector("a").search = new URLSearchParams({ username });
    again.hidden = isGone;
  }

  /** Reload the page of a friend who has come back; that of a new one knows them already. */
  regain({ username }) {
    if (this.#isLost && username === this.username) location.reload();
  }

  change({ old_username: old, friend, unavailable }) {
    if (old !== this.username) return;
    const name = friend.remark || friend.username;
    for (const element of this.#element.querySelectorAll(".conversation-name, .friend-name")) {
      element.textContent = name;
    }
    this.#thread.rename(friend.username, name, friend.avatar);
    if (old !== friend.username) this.#follow(friend.username, name);
    const reason = unavailable ? "unavailable" : friend.blocked ? "blocked" : null;
    this.#composer.notify(reason ? text(reason) : "");
  }

  /** Move everything under a friend's old name to the new one. */
  #follow(username, name) {
    const [old, current] = [this.username, username].map((each) => `/${encodeURIComponent(each)}/`);
    this.#element.dataset.with = username;
    for (const attribute of ["href", "action"]) {
      for (const element of this.#element.querySelectorAll(`[${attribute}]:not(.bubble *)`)) {
        element.setAttribute(attribute, element.getAttribute(attribute).replace(old, current));
      }
    }
    this.#composer.rename(username);
    // Where another page is on its way instead, the server leads from the old address to the new.
    this.#readdress(`${this.#base}chat${current}`);
    document.dispatchEvent(new CustomEvent("conversation:renamed", { detail: { name } }));
    // Messages under the new name could not be matched to this conversation before.
    this.#pages.catchUp();
  }
}
