// Forms marked `data-save` are saved as soon as something in them is changed.
import { text } from "../strings.js";
import { toast } from "./toast.js";

export class Saving {
  #saved;
  #last = Promise.resolve();

  /** `saved` gets the page with which the server answers. */
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
      const response = await fetch(form.action, {
        method: "POST",
        body: sent,
        credentials: "same-origin",
        headers: { Accept: "text/html" },
      });
      if (!response.ok) throw new Error(response.statusText);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (page.body.dataset.userId !== document.body.dataset.userId) {
        location.assign(response.url);
        return;
      }
      settle(form, sent);
      adoptLook(page);
      this.#saved(page);
      complain(form, "");
      toast(text("saved"));
    } catch {
      // What was chosen is still there, and saved with the next choice.
      complain(form, text("not_saved"));
    }
  }
}

/** From now on the form has shown what was sent: see `webchat/base/changes.py`. */
function settle(form, sent) {
  for (const hidden of form.querySelectorAll("input[type=hidden][name^=initial-]")) {
    hidden.value = sent.get(hidden.name.slice("initial-".length)) ?? "";
  }
}

function complain(form, words) {
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
