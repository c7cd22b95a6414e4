// The dialog that shows what was chosen before it is sent.
import { inBytes, lineOf, makeFileIcon, shortName } from "../chat/attachment.js";
import { makeIcon } from "../page/icon.js";
import { text } from "../strings.js";
import { chosen, mayTellPlace, prepare } from "./choice.js";

const AT_MOST = 9; // as people know it from WeChat

export class Sheet {
  #limit; // bytes
  #dialog = document.getElementById("files");
  #form = this.#dialog.querySelector("form");
  #list = document.getElementById("files-chosen");
  #original = document.getElementById("files-original");
  #choices = [];
  #refused = [];
  #resolve = null;

  constructor(limit) {
    this.#limit = limit;
  }

  connect() {
    this.#form.addEventListener("submit", this.#onSubmit);
    this.#list.addEventListener("click", this.#onRemove);
    this.#original.addEventListener("change", this.#onOriginal);
    document.getElementById("files-cancel").addEventListener("click", this.#onCancel);
    this.#dialog.addEventListener("close", this.#onClose);
  }

  disconnect() {
    if (this.#dialog.open) this.#dialog.close();
    this.#form.removeEventListener("submit", this.#onSubmit);
    this.#list.removeEventListener("click", this.#onRemove);
    this.#original.removeEventListener("change", this.#onOriginal);
    document.getElementById("files-cancel").removeEventListener("click", this.#onCancel);
    this.#dialog.removeEventListener("close", this.#onClose);
    this.#settle(null);
  }

  /** Close it without an answer; false if it is not open. */
  rest() {
    if (!this.#dialog.open) return false;
    this.#dialog.close();
    return true;
  }

  /** Show files, or more of them; resolves to what is to be sent, or null. */
  async ask(files, options) {
    if (this.#dialog.open) {
      await this.#take(files, options);
      return null; // the first question is answered with these
    }
    [this.#choices, this.#refused] = [[], []];
    this.#list.replaceChildren();
    this.#tick.checked = false;
    this.#dialog.showModal();
    const answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#take(files, options);
    return await answer;
  }

  get #tick() {
    return this.#original.querySelector("input");
  }

  get #submit() {
    return this.#form.querySelector("[type=submit]");
  }

  /** Take files in their order; each has its row at once, and its picture when it is decoded. */
  async #take(files, options) {
    this.#refused = [];
    const room = AT_MOST - this.#choices.length;
    const fitting = files.filter((file) => this.#isFitting(file));
    if (fitting.length > room) this.#refused.push(text("files_too_many", { limit: AT_MOST }));
    const taken = fitting.slice(0, room).map((file) => ({ file, row: makeRow(file) }));
    this.#choices.push(...taken);
    this.#list.append(...taken.map(({ row }) => row));
    this.#show();
    for (const choice of taken) {
      if (!this.#choices.includes(choice)) continue; // removed, or the sheet was closed
      Object.assign(choice, await prepare(choice.file, options));
      showThumbnail(choice);
    }
    this.#show();
  }

  #isFitting({ name, size }) {
    if (!size) this.#refused.push(text("file_empty", { name }));
    else if (size > this.#limit) {
      this.#refused.push(text("file_too_large", { name, limit: asALimit(this.#limit) }));
    } else return true;
    return false;
  }

  #show() {
    const status = document.getElementById("files-status");
    status.textContent = this.#refused.join("\n");
    status.hidden = !this.#refused.length;
    const tells = this.#choices.some((choice) =>
      mayTellPlace(choice.kind ? chosen(choice, this.#tick.checked) : choice.file)
    );
    const places = document.getElementById("files-places");
    places.textContent = tells ? text("may_tell_place") : "";
    places.hidden = !tells;
    const [large, small] = [true, false].map((asItIs) => this.#sizeOf(asItIs));
    this.#original.hidden = large === small;
    this.#original.querySelector(".quiet-text").textContent = inBytes(large);
    for (const choice of this.#choices) showSize(choice, this.#tick.checked);
    const isComing = this.#choices.some(({ kind }) => !kind);
    this.#submit.disabled = isComing || !this.#choices.length;
    const isWaiting = document.activeElement === document.getElementById("files-title");
    if (isWaiting && !this.#submit.disabled) this.#submit.focus(); // Enter sends
  }

  #sizeOf(asItIs) {
    return this.#choices
      .filter(({ smaller }) => smaller)
      .reduce((sum, choice) => sum + chosen(choice, asItIs).file.size, 0);
  }

  #onOriginal = () => this.#show();

  #onRemove = ({ target }) => {
    const row = target.closest("button")?.closest("li");
    if (!row) return;
    const place = this.#choices.findIndex((choice) => choice.row === row);
    this.#choices.splice(place, 1);
    row.remove();
    this.#refused = [];
    this.#show();
    const next = this.#list.children[Math.min(place, this.#choices.length - 1)];
    (next?.querySelector("button") ?? document.getElementById("files-cancel")).focus();
  };

  #onSubmit = (event) => {
    event.preventDefault();
    if (this.#submit.disabled) return;
    const asItIs = this.#tick.checked;
    const answer = this.#choices.map((choice) => ({
      ...chosen(choice, asItIs),
      thumbnail: choice.thumbnail,
    }));
    this.#settle(answer);
    this.#dialog.close();
  };

  #onCancel = () => this.#dialog.close();

  #onClose = () => {
    this.#settle(null);
    this.#choices = [];
    this.#list.replaceChildren();
  };

  #settle(answer) {
    this.#resolve?.(answer);
    this.#resolve = null;
  }
}

/** A size without needless digits: 100 MB. */
function asALimit(size) {
  return inBytes(size).replace(/\.0(?=\D)/, "").replace("\u00a0", " ");
}

function makeRow(file) {
  const row = document.getElementById("files-row").content.firstElementChild.cloneNode(true);
  const name = row.querySelector(".file-name");
  [name.textContent, name.title] = [shortName(file.name), file.name];
  row.querySelector(".file-size").textContent = inBytes(file.size);
  row.querySelector("button").setAttribute("aria-label", text("file_remove", { name: file.name }));
  return row;
}

function showThumbnail({ row, thumbnail, kind, name }) {
  const place = row.querySelector(".files-thumbnail");
  if (thumbnail) place.replaceChildren(thumbnail);
  else place.replaceChildren(kind === "file" ? makeFileIcon(name) : makeIcon("play"));
  place.title = lineOf({ kind, name });
}

function showSize(choice, asItIs) {
  if (!choice.kind) return; // still coming
  choice.row.querySelector(".file-size").textContent = inBytes(chosen(choice, asItIs).file.size);
}
