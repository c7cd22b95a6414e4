// Files on their way, beside the letters: each becomes a letter when the server has it.
import { wordsOf } from "../api.js";
import { uuid } from "../chat/uuid.js";
import { recall, remember } from "../page/memory.js";
import { Sending } from "./sending.js";

const KEY = "uploads";
const AT_ONCE = 2;

/**
 * Uploads files, two at a time, and puts a letter for each into the outbox, in the order in which
 * they were chosen. They go on while another chat is read; after a reload, the same file has to be
 * chosen again. Tells the document: `uploads:told` {clientId, fraction or trouble}, `uploads:failed`
 * {clientId, reason}, `uploads:noticed` {clientId, kind, notice} if it goes as a file although it is
 * not one, `uploads:ended` {clientId, letter}, which is null if it was given up.
 */
export class Uploads {
  #api;
  #outbox;
  // {clientId, uploadId, batch, to, name, size, kind, modified, time, view, state, reason, file,
  // sending}
  #items;
  #makeSending;

  constructor(api, outbox, makeSending = (...given) => new Sending(...given)) {
    this.#api = api;
    this.#outbox = outbox;
    this.#makeSending = makeSending;
    const kept = recall(KEY) ?? [];
    this.#items = kept.map((item) => item.state === "ready" ? item : { ...item, state: "lost" });
  }

  start() {
    document.addEventListener("live:friend_changed", ({ detail }) => {
      for (const item of this.#items) {
        if (item.to === detail.old_username) item.to = detail.friend.username;
      }
      this.#save();
    });
    addEventListener("beforeunload", this.#onLeave);
    // Nobody is asked whether to leave a page whose session has ended.
    document.addEventListener(
      "api:leaving",
      () => removeEventListener("beforeunload", this.#onLeave),
    );
    this.#release();
  }

  /** The files on their way to a friend, in order. */
  itemsTo(username) {
    return this.#items.filter(({ to }) => to === username);
  }

  /** Begin with files of one choice, as `chosen` describes them. Returns their items. */
  add(to, chosen, time) {
    const batch = uuid();
    const items = chosen.map(({ file, name, kind, modified, view }) => ({
      clientId: uuid(),
      uploadId: uuid(),
      batch,
      to,
      name,
      size: file.size,
      kind,
      modified,
      time,
      view,
      state: "waiting",
      file,
    }));
    this.#items.push(...items);
    this.#save();
    this.#next();
    return items;
  }

  /** Try again what has failed. */
  retry(clientId) {
    const item = this.#find(clientId);
    if (item?.state !== "failed") return;
    this.#go(item);
  }

  /** Go on with a file that was chosen again, as `chosen` describes it; false if it is another. */
  resume(clientId, { file, name, modified }) {
    const item = this.#find(clientId);
    if (item?.state !== "lost") return false;
    if (file.size !== item.size || name !== item.name) return false;
    if (modified !== item.modified) this.#beginAgain(item, modified);
    item.file = file;
    this.#go(item);
    return true;
  }

  /** Give up a file, and what the server has of it. */
  async cancel(clientId) {
    const item = this.#find(clientId);
    if (!item) return;
    item.sending?.stop();
    this.#drop(item);
    this.#tell("ended", { clientId, letter: null });
    this.#next();
    this.#release();
    await this.#forget(item);
  }

  /** Another version of the file does not go on where the first one has ended. */
  #beginAgain(item, modified) {
    this.#forget(item);
    Object.assign(item, { uploadId: uuid(), modified });
  }

  /** Tell the server that an upload is given up; what stays there is swept after a day. */
  #forget({ uploadId }) {
    return this.#api.delete(`uploads/${uploadId}/`).catch(() => {});
  }

  #go(item) {
    item.state = "waiting";
    delete item.reason;
    this.#tell("told", { clientId: item.clientId, fraction: 0 });
    this.#save();
    this.#next();
  }

  #find(clientId) {
    return this.#items.find((item) => item.clientId === clientId);
  }

  #next() {
    const under = this.#items.filter(({ state }) => state === "sending").length;
    const waiting = this.#items.filter(({ state }) => state === "waiting");
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - under))) this.#run(item);
  }

  async #run(item) {
    const { clientId } = item;
    item.state = "sending";
    item.sending = this.#makeSending(this.#api, item, (told) => {
      if (this.#find(clientId) === item) this.#tell("told", { clientId, ...told });
    });
    try {
      const { attachment, notice } = await item.sending.run();
      if (this.#find(clientId) !== item) return; // cancelled
      item.attachment = attachment;
      item.state = "ready";
      if (notice) this.#tell("noticed", { clientId, kind: item.kind, notice });
    } catch (error) {
      if (this.#find(clientId) !== item) return;
      Object.assign(item, { state: "failed", reason: wordsOf(error) });
      this.#tell("failed", { clientId, reason: item.reason });
    }
    item.sending = null;
    this.#save();
    this.#next();
    this.#release();
  }

  /** Hand over to the outbox what has nothing before it that may still come. */
  #release() {
    const isHeld = new Set();
    for (const item of [...this.#items]) {
      if (item.state === "waiting" || item.state === "sending") isHeld.add(item.batch);
      if (item.state !== "ready" || isHeld.has(item.batch)) continue;
      const { clientId, uploadId, to, time, attachment } = item;
      const letter = { clientId, to, text: "", upload: uploadId, attachment, time };
      this.#drop(item);
      this.#outbox.add(letter);
      this.#tell("ended", { clientId, letter });
    }
  }

  #drop(item) {
    this.#items = this.#items.filter((each) => each !== item);
    this.#save();
  }

  /** Ask before a page is left whose files are still on their way. */
  #onLeave = (event) => {
    if (this.#items.some(({ state }) => state === "waiting" || state === "sending")) {
      event.preventDefault();
    }
  };

  #tell(what, detail) {
    document.dispatchEvent(new CustomEvent(`uploads:${what}`, { detail }));
  }

  #save() {
    const kept = this.#items.map(({ file: _file, sending: _sending, ...facts }) => facts);
    remember(KEY, kept.length ? kept : null);
  }
}
