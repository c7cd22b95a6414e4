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
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        credentials: "same-origin",
        headers: { Accept: "text/html" },
      });
      if (!response.ok) throw new Error(response.statusText);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (page.body.dataset.userId !== document.body.dataset.userId) {
        location.assign(response.url);
        return;
      }
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
