// The search box above the chats: friends at once, from the rows; messages from the server.
import { wordsOf } from "../api.js";
import { isSecondOfTwo } from "../page/press.js";
import { text } from "../strings.js";
import { labelOf } from "./attachment.js";
import { showAvatar } from "./avatar.js";
import { isNamed, key } from "./matching.js";
import { learnReadings } from "./readings.js";

const PAUSE = 200; // ms without a keystroke before the server is asked
const CHANGES = ["message_changed", "message_hidden", "friend_removed", "conversation_changed"];

export class ChatSearch {
  #api;
  #store;
  #clock;
  #rows;
  #pane;
  #input = null;
  #parts;
  #timer;
  #asked = 0;
  #answered = ""; // the query of the answer that is shown
  #friends = [];
  #hits = [];
  #isDone = false; // what was found last has been opened
  #tab = document.querySelector("#tabs [data-tab=chats]");

  constructor({ api, store, clock }) {
    this.#api = api;
    this.#store = store;
    this.#clock = clock;
  }

  connect(rows) {
    this.#rows = rows;
    this.#pane = rows.closest(".list-pane");
    this.#input = document.getElementById("chat-filter");
    const part = (name) => document.getElementById(`found-${name}`);
    this.#parts = Object.fromEntries(
      ["friends", "others", "section", "messages", "more", "none"].map((name) => [
        name,
        part(name),
      ]),
    );
    this.#input.addEventListener("focus", this.#learn);
    this.#input.addEventListener("input", this.#onInput);
    this.#input.addEventListener("compositionend", this.#onInput);
    this.#input.form.addEventListener("submit", this.#onSubmit);
    // Before the arrows of the rows, whichever of them came first.
    this.#pane.addEventListener("keydown", this.#onKey, true);
    this.#pane.addEventListener("click", this.#onOpen);
    this.#tab.addEventListener("click", this.#end);
    this.#parts.more.addEventListener("click", this.#onMore);
    for (const kind of CHANGES) document.addEventListener(`live:${kind}`, this.#onChange);
    if (this.#isDone) this.#end();
    else if (this.#wanted && this.#wanted !== this.#answered) this.#ask();
    if (this.#wanted) this.filter();
    if (document.activeElement === this.#input) this.#learn();
  }

  disconnect() {
    if (!this.#input) return;
    clearTimeout(this.#timer);
    this.#input.removeEventListener("focus", this.#learn);
    this.#input.removeEventListener("input", this.#onInput);
    this.#input.removeEventListener("compositionend", this.#onInput);
    this.#input.form.removeEventListener("submit", this.#onSubmit);
    this.#pane.removeEventListener("keydown", this.#onKey, true);
    this.#pane.removeEventListener("click", this.#onOpen);
    this.#tab.removeEventListener("click", this.#end);
    this.#parts.more.removeEventListener("click", this.#onMore);
    for (const kind of CHANGES) document.removeEventListener(`live:${kind}`, this.#onChange);
    this.#input = null;
  }

  /** Show the rows that match the search. */
  filter() {
    const wanted = key(this.#wanted);
    const answer = new Set(this.#isAnswered ? this.#friends.map((friend) => friend.username) : []);
    let count = 0;
    for (const row of this.#rows.children) {
      row.hidden = wanted !== "" && !isNamed(row.dataset, wanted) &&
        !answer.has(row.dataset.username);
      if (!row.hidden) count += 1;
    }
    this.#showOthers();
    this.#parts.friends.hidden = !wanted || count + this.#parts.others.children.length === 0;
    document.getElementById("chats-empty").hidden = wanted !== "" || this.#rows.children.length > 0;
    const found = count + this.#parts.others.children.length + this.#hits.length;
    if (!wanted || found) this.#parts.none.hidden = true;
    else if (this.#isAnswered) this.#say(this.#parts.none.dataset.words);
  }

  get #wanted() {
    return this.#input.value.trim();
  }

  get #isAnswered() {
    return this.#answered === this.#wanted;
  }

  /** Learn how the names are read of which the rows have come since the page. */
  #learn = async () => {
    const input = this.#input;
    const isChanged = await learnReadings([...this.#rows.children]);
    if (isChanged && this.#input === input) this.filter();
  };

  /** A chat that is opened ends the search as soon as it is there; the page of its hits does not. */
  #onOpen = (event) => {
    const link = event.target.closest(".row-link");
    if (!link) return;
    if (isSecondOfTwo(event)) {
      // By then, another row may be below the pointer.
      if (this.#isDone) event.preventDefault();
      return;
    }
    this.#isDone = this.#wanted !== "" && !new URL(link.href).searchParams.has("with");
  };

  /** Show all rows again. */
  #end = () => {
    clearTimeout(this.#timer);
    this.#input.value = "";
    this.#clear();
    this.filter();
  };

  #onInput = (event) => {
    clearTimeout(this.#timer);
    this.#isDone = false;
    if (!this.#wanted) this.#clear();
    this.filter();
    // Letters being composed into characters can match friends, but no messages.
    if (!this.#wanted || event.isComposing) return;
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  };

  #onSubmit = (event) => {
    event.preventDefault();
    const [link] = this.#links;
    // Anything typed from now on is meant for that chat.
    if (link) this.#input.blur();
    link?.click();
  };

  #onChange = () => {
    if (!this.#wanted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  };

  /** Add older hits, and lead to the first chat that they have brought. */
  #onMore = async () => {
    const { messages, more } = this.#parts;
    const [held, known] = [this.#hits.length, messages.children.length];
    await this.#ask(this.#hits.at(-1)?.message.id);
    const isLost = [more, document.body].includes(document.activeElement);
    if (this.#hits.length <= held || !isLost) return;
    (messages.children[known] ?? messages.lastElementChild)?.querySelector("a").focus();
  };

  #onKey = (event) => {
    if (!this.#wanted || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      this.#end();
      this.#input.focus();
    } else if (step) {
      const stops = [this.#input, ...this.#links];
      const next = stops[stops.indexOf(document.activeElement) + step];
      if (!next || !stops.includes(document.activeElement)) return;
      next.focus();
    } else return;
    event.preventDefault();
  };

  get #links() {
    const links = this.#pane.querySelectorAll(".pane-body .row-link");
    return [...links].filter((link) => link.checkVisibility());
  }

  async #ask(before) {
    const asked = ++this.#asked;
    const wanted = this.#wanted;
    const query = new URLSearchParams({ q: wanted });
    if (before) query.set("before", before);
    try {
      const answer = await this.#api.get(`search/?${query}`);
      if (asked !== this.#asked || wanted !== this.#wanted) return;
      this.#answered = wanted;
      this.#friends = answer.friends;
      this.#hits = before ? [...this.#hits, ...answer.messages] : answer.messages;
      this.#parts.more.hidden = !answer.more;
      this.#showHits();
      this.filter();
    } catch (error) {
      if (asked === this.#asked && wanted) this.#say(wordsOf(error));
    }
  }

  #clear() {
    this.#asked += 1;
    this.#answered = "";
    this.#friends = [];
    this.#hits = [];
    this.#showHits();
  }

  #say(words) {
    this.#parts.none.textContent = words;
    this.#parts.none.hidden = false;
  }

  /** Show matching friends whose chat is hidden, and who have no row of their own. */
  #showOthers() {
    const there = new Set([...this.#rows.children].map((row) => row.dataset.username));
    const others = this.#isAnswered && this.#wanted ? this.#friends : [];
    const rows = others
      .filter((friend) => !there.has(friend.username))
      .map((friend) => {
        const row = this.#clone("row-template", friend.username, friend.remark);
        row.dataset.lastId = 0;
        return row;
      });
    this.#parts.others.replaceChildren(...rows);
  }

  /** Show one row for each chat, the one with the newest hit first. */
  #showHits() {
    const chats = new Map();
    for (const hit of this.#hits) {
      chats.set(hit.message.with, [...(chats.get(hit.message.with) ?? []), hit]);
    }
    this.#parts.messages.replaceChildren(...[...chats.values()].map((hits) => this.#makeHit(hits)));
    this.#parts.section.hidden = chats.size === 0;
  }

  /** A row that leads to the one hit in a chat, or to a page with all of them. */
  #makeHit([{ message, excerpt }, ...others]) {
    const remark = this.#remarkOf(message.with);
    const item = this.#clone(
      "hit-template",
      message.with,
      remark,
      `?at=${message.id}#m${message.id}`,
    );
    const time = item.querySelector(".row-time");
    time.dateTime = message.sent_at;
    time.textContent = this.#clock.listed(message.sent_at);
    const words = item.querySelector(".search-words");
    const mark = document.createElement("mark");
    mark.textContent = excerpt.hit;
    if (others.length) this.#fold(item, words, message.with, 1 + others.length);
    else words.replaceChildren(labelOf(message), excerpt.before, mark, excerpt.after);
    return item;
  }

  #fold(item, words, username, count) {
    const query = new URLSearchParams({ q: this.#answered, with: username });
    item.querySelector("a").href = `${this.#api.base}search/?${query}`;
    // Older hits may not be known yet.
    const known = this.#parts.more.hidden ? count : `${count}+`;
    words.textContent = text("related", { count: known });
  }

  #remarkOf(username) {
    const row = [...this.#rows.children].find((each) => each.dataset.username === username);
    return row?.dataset.remark ?? this.#friends.find((each) => each.username === username)?.remark;
  }

  #clone(template, username, remark, query = "") {
    const item = document.getElementById(template).content.firstElementChild.cloneNode(true);
    item.querySelector("a").href = `${this.#api.base}chat/${encodeURIComponent(username)}/${query}`;
    showAvatar(item, username, this.#store.get(username)?.avatar);
    item.querySelector(".row-name").textContent = remark || username;
    return item;
  }
}
