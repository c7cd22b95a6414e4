// The bubbles of files on their way: how much has arrived, and what to do about it.
import { toast } from "../page/toast.js";
import { text } from "../strings.js";

export class FileBubbles {
  #uploads;
  #thread;
  #pages;
  #username;
  #chooseAgain;

  /** `username` names the friend of the open chat; `chooseAgain` asks for the file of an item. */
  constructor(uploads, { thread, pages, username, chooseAgain }) {
    this.#uploads = uploads;
    this.#thread = thread;
    this.#pages = pages;
    this.#username = username;
    this.#chooseAgain = chooseAgain;
  }

  connect() {
    document.addEventListener("uploads:told", this.#onTold);
    document.addEventListener("uploads:failed", this.#onFailed);
    document.addEventListener("uploads:noticed", this.#onNoticed);
    document.addEventListener("uploads:ended", this.#onEnded);
  }

  disconnect() {
    document.removeEventListener("uploads:told", this.#onTold);
    document.removeEventListener("uploads:failed", this.#onFailed);
    document.removeEventListener("uploads:noticed", this.#onNoticed);
    document.removeEventListener("uploads:ended", this.#onEnded);
  }

  /** Show all that goes to the friend of this chat. */
  showAll() {
    for (const item of this.#uploads.itemsTo(this.#username())) this.show(item, { follow: false });
  }

  /** Show one; where newer messages are missing, it comes after them. */
  show(item, { thumbnail = null, follow = true } = {}) {
    if (this.#pages.hasNewer) return;
    const { clientId, time, view, state, reason } = item;
    const letter = { clientId, text: "", time, attachment: { ...view, url: null } };
    this.#thread.putPending(letter, { follow });
    if (thumbnail) this.#putThumbnail(clientId, thumbnail);
    if (state === "failed") this.#fail(clientId, reason ?? text("not_sent"));
    else if (state === "lost") this.#lose(item);
    else if (state !== "ready") this.#move(clientId, {});
  }

  #element(clientId) {
    const element = this.#thread.order.getSent(clientId);
    return element && !element.dataset.id ? element : null;
  }

  #putThumbnail(clientId, thumbnail) {
    const element = this.#element(clientId);
    element?.querySelector(".attachment.picture img, .attachment.video video")?.after(thumbnail);
  }

  #onTold = ({ detail: { clientId, ...told } }) => this.#move(clientId, told);

  #onFailed = ({ detail: { clientId, reason } }) => this.#fail(clientId, reason);

  /** Say below it, or for a moment if another chat is open, what it was not taken for. */
  #onNoticed = ({ detail: { clientId, kind, notice } }) => {
    const words = text(`${notice}_${kind}`);
    const element = this.#element(clientId);
    if (!element) return toast(words);
    const line = document.createElement("p");
    line.className = "file-notice";
    line.setAttribute("role", "status");
    line.textContent = words;
    element.querySelector(".meta").before(line);
  };

  #onEnded = ({ detail: { clientId, letter } }) => {
    if (letter) this.#thread.setState(clientId, "pending");
    else if (this.#element(clientId)) this.#thread.discard(clientId);
  };

  /** Show how far it has come, without moving what a pointer may be on. */
  #move(clientId, { fraction, trouble }) {
    const element = this.#element(clientId);
    if (!element) return;
    let bar = element.querySelector("progress");
    if (!bar) {
      bar = document.createElement("progress");
      bar.setAttribute("aria-label", text("uploading"));
      const words = document.createElement("span");
      const cancel = makeButton("cancel_upload", () => this.#uploads.cancel(clientId));
      this.#thread.setState(clientId, "uploading", { actions: [bar, cancel] });
      element.querySelector(".state").firstElementChild.replaceWith(words);
      bar.value = 0;
    }
    if (fraction !== undefined) bar.value = fraction;
    bar.hidden = bar.value >= 1; // what takes its place is no longer
    const words = bar.value < 1 ? `${Math.floor(bar.value * 100)}%` : text("processing");
    bar.parentElement.firstElementChild.textContent = trouble ?? words;
  }

  #fail(clientId, reason) {
    const retry = makeButton("retry", () => this.#uploads.retry(clientId));
    this.#offer(clientId, reason, retry);
  }

  #lose(item) {
    const again = makeButton("choose_again", () => this.#chooseAgain(item));
    // A voice is no file that could be chosen again.
    const actions = item.kind === "voice" ? [] : [again];
    this.#offer(item.clientId, text("upload_lost"), ...actions);
  }

  #offer(clientId, reason, ...actions) {
    const discard = makeButton("discard", () => this.#uploads.cancel(clientId));
    this.#thread.setState(clientId, "failed", { reason, actions: [...actions, discard] });
  }
}

function makeButton(name, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = name === "choose_again" ? "retry" : "discard";
  element.textContent = text(name);
  element.addEventListener("click", act);
  return element;
}
