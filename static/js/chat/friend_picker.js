// The dialog that asks for one or several friends.
import { focusField, hasScreenKeyboard } from "../page/focus.js";
import { isSecondOfTwo } from "../page/press.js";
import { Roving } from "../page/roving.js";
import { text } from "../strings.js";
import { showAvatar } from "./avatar.js";
import { isNamed, key } from "./matching.js";
import { copyReadings, learnReadings } from "./readings.js";

const FRIENDS_AT_MOST = 9; // as people know it from WeChat
const SHOWN = 200; // characters of what goes to them

export class FriendPicker {
  #store;
  #dialog = document.getElementById("forward");
  #form = this.#dialog.querySelector("form");
  #filter = document.getElementById("forward-filter");
  #list = document.getElementById("forward-friends");
  #chosen = []; // usernames, in the order of the ticks
  #resolve = null;
  #roving = new Roving(this.#list, {
    group: ".row",
    item: "input",
    choose: (items) => items[0],
  });

  constructor(store) {
    this.#store = store;
  }

  connect() {
    this.#form.addEventListener("submit", this.#onSubmit);
    this.#list.addEventListener("click", this.#onClick);
    this.#list.addEventListener("change", this.#onChange);
    this.#filter.addEventListener("input", this.#onFilter);
    this.#filter.addEventListener("keydown", this.#onKey);
    this.#cancel.addEventListener("click", this.#onCancel);
    this.#dialog.addEventListener("close", this.#onClose);
    document.addEventListener("live:friend_removed", this.#onRemoved);
    document.addEventListener("live:friend_changed", this.#onRenamed);
    this.#roving.connect();
  }

  disconnect() {
    if (this.#dialog.open) this.#dialog.close();
    this.#form.removeEventListener("submit", this.#onSubmit);
    this.#list.removeEventListener("click", this.#onClick);
    this.#list.removeEventListener("change", this.#onChange);
    this.#filter.removeEventListener("input", this.#onFilter);
    this.#filter.removeEventListener("keydown", this.#onKey);
    this.#cancel.removeEventListener("click", this.#onCancel);
    this.#dialog.removeEventListener("close", this.#onClose);
    document.removeEventListener("live:friend_removed", this.#onRemoved);
    document.removeEventListener("live:friend_changed", this.#onRenamed);
    this.#roving.disconnect();
    this.#settle(null);
  }

  /** Ask to whom `words` go; resolves to usernames in the order of the ticks, or null. */
  ask(words) {
    document.getElementById("forward-words").textContent = words.slice(0, SHOWN);
    this.#chosen = [];
    this.#fill();
    this.#showChosen();
    this.#dialog.showModal();
    if (!hasScreenKeyboard()) this.#filter.focus();
    this.#list.scrollTop = 0;
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get #cancel() {
    return document.getElementById("forward-cancel");
  }

  get #rows() {
    return [...this.#list.querySelectorAll(".row")];
  }

  /** The friends of the latest chats, as the list has them, and all others by name. */
  #fill() {
    const recent = this.#store.inOrder.filter((chat) => chat.lastId);
    const names = new Intl.Collator("zh", { numeric: true }); // by pinyin
    const others = this.#store.all
      .filter((chat) => !recent.includes(chat))
      .sort((a, b) => names.compare(nameOf(a), nameOf(b)));
    for (const [id, chats] of Object.entries({ recent, others })) {
      const rows = document.getElementById(`forward-${id}`);
      rows.replaceChildren(...chats.map((chat) => makeRow(chat)));
    }
    this.#filter.value = "";
    this.#learn();
    this.#onFilter();
  }

  /** Learn how the names are read: from the rows of the chats, or else from the server. */
  async #learn() {
    copyReadings(document.querySelectorAll("#chats .row"), this.#rows);
    if (await learnReadings(this.#rows)) this.#onFilter();
  }

  #onFilter = () => {
    const wanted = key(this.#filter.value);
    for (const row of this.#rows) row.hidden = wanted !== "" && !isNamed(row.dataset, wanted);
    for (const part of this.#list.querySelectorAll("section")) {
      part.hidden = !part.querySelector(".row:not([hidden])");
    }
    document.getElementById("forward-none").hidden = this.#first !== null;
  };

  get #first() {
    return this.#list.querySelector(".row:not([hidden]) input");
  }

  /** Enter ticks the first friend that was found, and Escape takes the search back first. */
  #onKey = (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && this.#filter.value) this.#filter.value = "";
    else if (event.key === "ArrowDown") this.#first?.focus();
    else if (event.key !== "Enter") return;
    else if (this.#filter.value) {
      this.#first?.click();
      this.#filter.select();
    }
    event.preventDefault();
    event.stopPropagation();
    this.#onFilter();
  };

  /** The second half of a double click on the menu was not aimed at a friend. */
  #onClick = (event) => {
    if (isSecondOfTwo(event)) event.preventDefault();
  };

  #onChange = ({ target }) => {
    const { username } = target.closest(".row").dataset;
    const others = this.#chosen.filter((each) => each !== username);
    const isTooMany = target.checked && others.length === FRIENDS_AT_MOST;
    if (isTooMany) target.checked = false;
    this.#chosen = target.checked ? [...others, username] : others;
    this.#showChosen(isTooMany);
  };

  #showChosen(isTooMany = false) {
    const names = this.#chosen.map((username) => nameOf(this.#store.get(username)));
    const status = document.getElementById("forward-status");
    if (isTooMany) status.textContent = text("forward_friends", { limit: FRIENDS_AT_MOST });
    else {status.textContent = names.length
        ? text("forward_to", { names: names.join(text("comma")) })
        : "";}
    this.#form.querySelector("[type=submit]").disabled = !names.length;
  }

  #onRemoved = ({ detail: { username } }) => {
    this.#rows.find((row) => row.dataset.username === username)?.remove();
    this.#chosen = this.#chosen.filter((each) => each !== username);
    this.#showChosen();
  };

  #onRenamed = ({ detail: { old_username: old, friend } }) => {
    const row = this.#rows.find(({ dataset }) => dataset.username === old);
    if (!row) return;
    show(row, { with: friend.username, remark: friend.remark, avatar: friend.avatar });
    this.#chosen = this.#chosen.map((each) => (each === old ? friend.username : each));
    this.#showChosen();
  };

  #onSubmit = (event) => {
    event.preventDefault();
    if (!this.#chosen.length) return;
    this.#settle(this.#chosen);
    this.#dialog.close();
  };

  #onCancel = () => this.#dialog.close();

  /** However it was closed, the promise is kept. */
  #onClose = () => {
    this.#settle(null);
    focusField();
  };

  #settle(friends) {
    this.#resolve?.(friends);
    this.#resolve = null;
  }
}

function nameOf({ with: username, remark }) {
  return remark || username;
}

function makeRow(chat) {
  const template = document.getElementById("forward-row");
  const row = template.content.firstElementChild.cloneNode(true);
  show(row, chat);
  return row;
}

function show(row, chat) {
  Object.assign(row.dataset, { username: chat.with, remark: chat.remark });
  showAvatar(row, chat.with, chat.avatar);
  row.querySelector(".row-name").textContent = nameOf(chat);
}
