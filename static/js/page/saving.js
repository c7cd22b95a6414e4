// Forms marked `data-save` are saved as soon as something in them is changed.
import { text } from "../strings.js";
import { post } from "./forms.js";
import { readPage } from "./loading.js";
import { PATIENCE, within } from "./patience.js";
import { toast, toastNotices } from "./toast.js";

export class Saving {
  #saved;
  #last = Promise.resolve();

  /** `saved` is called when the page has taken over what was saved. */
  constructor(saved) {
    this.#saved = saved;
  }

  start() {
    document.addEventListener("change", ({ target: { form } }) => {
      if (!form?.matches("[data-save]")) return;
      // One after the other: the last choice is the one that stays.
      this.#last = this.#last.then(() => this.#save(form));
    });
  }

  async #save(form) {
    const sent = new URLSearchParams(new FormData(form));
    try {
      const { url, page } = await within(PATIENCE, (signal) => send(form, signal));
      if (!page) return location.assign(url);
      settle(form, sent);
      adoptLook(page);
      this.#saved();
      complain(form, "");
      if (!toastNotices(page)) toast(text("saved"));
    } catch {
      settle(form, null); // it may be saved all the same: the next choice says everything
      // The choice is still there, and saved with the next choice.
      complain(form, text("not_saved"));
    }
  }
}

/** From now on the form has shown what was sent, or nothing certain: see `webchat/base/changes.py`. */
function settle(form, sent) {
  for (const hidden of form.querySelectorAll("input[type=hidden][name^=initial-]")) {
    hidden.disabled = !sent;
    hidden.value = sent?.get(hidden.name.slice("initial-".length)) ?? "";
  }
}

async function send(form, signal) {
  const response = await post(form, signal);
  if (!response.ok) throw new Error(response.statusText);
  return { url: response.url, page: await readPage(response) };
}

/** Say it beside the form, or at the top if its page has been left. */
function complain(form, words) {
  if (!form.isConnected) {
    if (words) toast(words);
    return;
  }
  const status = form.querySelector(".form-status");
  status.textContent = words;
  status.classList.add("bad");
}

/** Take over what the settings change outside the panes. */
function adoptLook(page) {
  document.documentElement.dataset.textSize = page.documentElement.dataset.textSize;
  for (const name of ["sound", "count"]) document.body.dataset[name] = page.body.dataset[name];
  const sheet = "link[data-theme]";
  document.querySelector(sheet).media = page.querySelector(sheet).media;
  const metas = "meta[name=color-scheme], meta[name=theme-color]";
  for (const meta of document.head.querySelectorAll(metas)) meta.remove();
  document.head.append(...document.importNode(page.head, true).querySelectorAll(metas));
}
