// Forms marked `data-enhance` are sent without leaving the page. The server's answer is shown
// as it is: nothing here claims a success by itself.
import { text } from "../strings.js";
import { forget } from "./memory.js";
import { PATIENCE, within } from "./patience.js";
import { toast } from "./toast.js";

export class Forms {
  #navigator;

  constructor(navigator) {
    this.#navigator = navigator;
  }

  start() {
    document.addEventListener("submit", this.#onSubmit);
  }

  #onSubmit = (event) => {
    const form = event.target;
    if (form.matches("[data-logout]")) forget();
    if (!form.matches("[data-enhance]")) return;
    event.preventDefault();
    this.#send(form, event.submitter);
  };

  async #send(form, button) {
    if (button) button.disabled = true;
    const status = form.querySelector(".form-status");
    if (status) status.textContent = "";
    try {
      await within(PATIENCE, async (signal) => this.#navigator.show(await post(form, signal)));
    } catch {
      // The typed text is still in the form.
      if (status) {
        status.textContent = text("offline");
        status.classList.add("bad");
      } else {
        toast(text("offline"));
      }
    } finally {
      if (button) button.disabled = false;
    }
  }
}

/** Send what is filled in; what comes back may still break off while it is read. */
export function post(form, signal) {
  return fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    credentials: "same-origin",
    headers: { Accept: "text/html" },
    signal,
  });
}
