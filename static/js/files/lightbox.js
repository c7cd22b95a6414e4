// Pictures and videos over the whole window, one after the other.
import { PATIENCE, within } from "../page/patience.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { Zoom } from "./zoom.js";

const SWIPE = 60; // px
const CONTROLS = 64; // px at the lower edge of a film, where a finger may move along its time
const SAID_FOR = 4_000; // ms
const CHANGES = ["message_changed", "message_hidden", "friend_removed"];

export class Lightbox {
  #api;
  #username;
  #list;
  #dialog = document.getElementById("lightbox");
  #stage = this.#dialog.querySelector(".lightbox-stage");
  #status = this.#dialog.querySelector(".lightbox-status");
  #timer; // until what is said of one that has gone leaves the next one alone
  #zoom = new Zoom(this.#stage);
  #items = []; // {id, kind, url, name, time, preview, width, height}, by id
  #at = 0;
  #isComplete = { older: false, newer: false };
  #began = null; // where a finger touched
  #isBeside = false; // whether a press began beside the picture

  /** `list` holds messages with their pictures, of the chat with the friend that `username` names. */
  constructor({ api, username, list }) {
    this.#list = list;
    this.#api = api;
    this.#username = username;
  }

  connect() {
    this.#list.addEventListener("click", this.#onClick);
    this.#dialog.addEventListener("click", this.#onTool);
    this.#dialog.addEventListener("keydown", this.#onKey);
    this.#dialog.addEventListener("close", this.#onClose);
    this.#stage.addEventListener("pointerdown", this.#onDown);
    this.#stage.addEventListener("pointerup", this.#onUp);
    for (const kind of CHANGES) document.addEventListener(`live:${kind}`, this.#onChange);
    this.#zoom.connect();
  }

  disconnect() {
    clearTimeout(this.#timer);
    if (this.#dialog.open) this.#dialog.close();
    this.#list.removeEventListener("click", this.#onClick);
    this.#dialog.removeEventListener("click", this.#onTool);
    this.#dialog.removeEventListener("keydown", this.#onKey);
    this.#dialog.removeEventListener("close", this.#onClose);
    this.#stage.removeEventListener("pointerdown", this.#onDown);
    this.#stage.removeEventListener("pointerup", this.#onUp);
    for (const kind of CHANGES) document.removeEventListener(`live:${kind}`, this.#onChange);
    this.#zoom.disconnect();
  }

  /** Close it, as a step back in the history does; false if it is not open. */
  rest() {
    if (!this.#dialog.open) return false;
    this.#dialog.close();
    return true;
  }

  #onClick = (event) => {
    const link = event.target.closest(".attachment.picture, .attachment.video");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { id } = link.closest("[data-id]").dataset;
    if (!id) return; // on its way
    this.#items = [...this.#list.querySelectorAll("[data-id]:not([data-id='']) .attachment")]
      .filter((each) => each.matches(".picture, .video"))
      .map(readItem)
      .sort((one, other) => one.id - other.id);
    this.#isComplete = { older: false, newer: false };
    this.#at = this.#items.findIndex((item) => item.id === Number(id));
    this.#dialog.showModal();
    this.#show();
  };

  #show() {
    const item = this.#items[this.#at];
    this.#zoom.reset();
    const shown = make(item);
    shown.addEventListener("error", () => this.#explain(item, shown));
    this.#stage.replaceChildren(shown);
    this.#say("");
    this.#find("name").textContent = item.name;
    this.#find("time").textContent = item.time;
    const save = this.#find("save");
    save.href = item.url;
    save.download = item.name;
    this.#look();
  }

  /** Say why one is not shown. */
  async #explain({ url, kind }, shown) {
    const words = text(await whyNot(url, kind));
    if (shown.isConnected) this.#say(words);
  }

  /** Say something over the picture: what the page says is hidden behind the dialog. */
  #say(words) {
    clearTimeout(this.#timer);
    this.#status.textContent = words;
  }

  /** Show whether there is one before and after, and fetch more at the ends. */
  #look() {
    const [isFirst, isLast] = [this.#at === 0, this.#at === this.#items.length - 1];
    this.#find("previous").disabled = isFirst;
    this.#find("next").disabled = isLast;
    // A button that goes out takes the focus with it, and the keys.
    const { activeElement } = document;
    if (!this.#dialog.contains(activeElement) || activeElement.disabled) this.#stage.focus();
    if (isFirst) this.#fetch("older", `before=${this.#items[0].id}`);
    if (isLast) this.#fetch("newer", `after=${this.#items.at(-1).id}`);
  }

  /** Fetch those that the thread does not hold. */
  async #fetch(which, query) {
    const isComplete = this.#isComplete; // another one each time that it is opened
    if (isComplete[which]) return;
    isComplete[which] = true;
    const path = `${this.#api.conversation(this.#username())}files/?kind=media&${query}`;
    const answer = await this.#api.get(path).catch(() => null);
    isComplete[which] = Boolean(answer) && !answer.more;
    if (!answer || isComplete !== this.#isComplete || !this.#dialog.open) return;
    const known = new Set(this.#items.map(({ id }) => id));
    const found = answer.messages.filter(({ id }) => !known.has(id)).map(itemOf);
    const current = this.#items[this.#at];
    this.#items = which === "older" ? [...found, ...this.#items] : [...this.#items, ...found];
    this.#at = this.#items.indexOf(current);
    if (found.length) this.#look();
  }

  #go(step) {
    const to = this.#at + step;
    if (to < 0 || to >= this.#items.length) return;
    this.#at = to;
    this.#show();
  }

  #find(part) {
    return this.#dialog.querySelector(`.lightbox-${part}`);
  }

  #onTool = ({ target }) => {
    // The stage is the target of each click, as it holds the pointer.
    const isBeside = target === this.#stage && this.#isBeside;
    if (target.closest(".lightbox-close") || isBeside) this.#dialog.close();
    else if (target.closest(".lightbox-previous")) this.#go(-1);
    else if (target.closest(".lightbox-next")) this.#go(1);
  };

  #onKey = (event) => {
    const act = {
      ArrowLeft: () => this.#go(-1),
      ArrowRight: () => this.#go(1),
      "+": () => this.#zoom.step(1),
      "-": () => this.#zoom.step(-1),
      0: () => this.#zoom.reset(),
    }[event.key];
    if (!act || event.target.closest("video")) return;
    event.preventDefault();
    act();
  };

  #onDown = ({ clientX: x, clientY: y, isPrimary, target }) => {
    this.#isBeside = target === this.#stage;
    const isControl = target.matches("video") &&
      target.getBoundingClientRect().bottom - y < CONTROLS;
    this.#began = isPrimary && !isControl && !this.#zoom.isLarger ? { x, y } : null;
  };

  /** A finger that moves to a side leads to the next one. */
  #onUp = ({ clientX, clientY, pointerType }) => {
    const began = this.#began;
    this.#began = null;
    if (!began || pointerType === "mouse" || this.#zoom.isLarger) return;
    const [x, y] = [clientX - began.x, clientY - began.y];
    if (Math.abs(x) > SWIPE && Math.abs(x) > Math.abs(y)) this.#go(x > 0 ? -1 : 1);
    else if (y > SWIPE) this.#dialog.close();
  };

  /** One that is recalled or deleted gives way to the next, or to the one before. */
  #onChange = ({ type, detail }) => {
    if (!this.#dialog.open) return;
    if (type === "live:friend_removed") {
      if (detail.username === this.#username()) this.#dialog.close();
      return;
    }
    const id = detail.message_id ?? detail.message.id;
    const place = this.#items.findIndex((item) => item.id === id);
    if (place < 0) return;
    const isShown = place === this.#at;
    this.#items.splice(place, 1);
    if (place < this.#at || this.#at === this.#items.length) this.#at -= 1;
    if (!isShown) return this.#look();
    const words = text("file_gone");
    if (!this.#items.length) {
      this.#dialog.close();
      return toast(words);
    }
    this.#show();
    this.#say(words);
    this.#timer = setTimeout(() => this.#say(""), SAID_FOR);
  };

  #onClose = () => {
    this.#say("");
    this.#stage.replaceChildren(); // a video stops
    this.#items = [];
  };
}

/** The name of the words that say why a file is not shown. */
async function whyNot(url, kind) {
  const ask = (signal) => fetch(url, { method: "HEAD", credentials: "same-origin", signal });
  try {
    const { ok, status, redirected } = await within(PATIENCE, ask);
    if (status === 404) return "file_gone";
    if (!ok || redirected) return "failed"; // to the log-in
    return kind === "video" ? "cannot_play" : "cannot_show";
  } catch {
    return "no_network";
  }
}

function readItem(link) {
  const message = link.closest("[data-id]");
  const [width, height] = (link.dataset.pixels ?? "").split("x").map(Number);
  return {
    id: Number(message.dataset.id),
    kind: link.matches(".video") ? "video" : "picture",
    url: link.href,
    name: link.dataset.name,
    time: message.querySelector("time").textContent,
    preview: link.querySelector("img")?.src,
    width,
    height,
  };
}

function itemOf({ id, time, attachment }) {
  const { kind, url, name, preview, width, height } = attachment;
  return { id, kind, url, name, time, preview, width, height };
}

function make({ kind, url, name, preview, width, height }) {
  const shown = document.createElement(kind === "video" ? "video" : "img");
  if (width && height) Object.assign(shown, { width, height });
  if (kind === "video") {
    Object.assign(shown, { controls: true, autoplay: true, playsInline: true });
    shown.setAttribute("aria-label", text("video", { name }));
  } else {
    shown.alt = text("picture", { name });
    shown.draggable = false;
    showMeanwhile(shown, preview);
  }
  shown.src = url;
  return shown;
}

/** Show the small picture behind the large one until that is there. */
function showMeanwhile(picture, preview) {
  if (!preview || !picture.width) return;
  picture.style.backgroundImage = `url("${CSS.escape(preview)}")`;
  picture.addEventListener("load", () => (picture.style.backgroundImage = ""), { once: true });
}
