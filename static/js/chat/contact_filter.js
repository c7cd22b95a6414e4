// The field above the contacts, which leaves the friends that match.
import { isNamed, key } from "./matching.js";

export class ContactFilter {
  #input = null;
  #words = ""; // kept from page to page among the contacts

  connect() {
    this.#input = document.getElementById("contacts-filter");
    if (!this.#input) {
      this.#words = "";
      return;
    }
    this.#words ||= this.#input.value; // typed before the scripts came
    this.#input.value = this.#words;
    this.#input.addEventListener("input", this.#onInput);
    this.#input.addEventListener("keydown", this.#onKey);
    document.getElementById("friends").addEventListener("keydown", this.#onKeyInRows);
    this.#input.form.addEventListener("submit", this.#onSubmit);
    this.show();
  }

  disconnect() {
    this.#input?.removeEventListener("input", this.#onInput);
    this.#input?.removeEventListener("keydown", this.#onKey);
    document.getElementById("friends")?.removeEventListener("keydown", this.#onKeyInRows);
    this.#input?.form.removeEventListener("submit", this.#onSubmit);
    this.#input = null;
  }

  /** Hide the rows that do not match, and the headings that are left without one. */
  show() {
    if (!this.#input) return;
    const wanted = key(this.#words);
    for (const row of this.#rows) row.hidden = wanted !== "" && !isNamed(row.dataset, wanted);
    for (const letter of document.querySelectorAll("#friends > .letter")) {
      letter.hidden = !letter.querySelector(".row:not([hidden])");
    }
    const isNone = wanted !== "" && !this.#first;
    const none = document.getElementById("contacts-none");
    none.textContent = isNone ? none.dataset.words : "";
    document.getElementById("letters").hidden = wanted !== "";
  }

  get #rows() {
    return document.querySelectorAll("#friends .row");
  }

  get #first() {
    return document.querySelector("#friends .row:not([hidden])");
  }

  #onInput = () => {
    this.#words = this.#input.value;
    this.show();
  };

  #onKey = (event) => {
    if (event.isComposing || !this.#words) return;
    if (event.key === "Escape") this.#clear(event);
    if (event.key !== "ArrowDown" || !this.#first) return;
    event.preventDefault();
    this.#first.querySelector("a").focus();
  };

  /** From the friends that are left, Escape and a step up from the first one lead back. */
  #onKeyInRows = (event) => {
    if (!this.#words) return;
    const isFirst = this.#first?.contains(event.target);
    if (event.key === "Escape") this.#clear(event);
    else if (event.key === "ArrowUp" && isFirst) event.preventDefault();
    else return;
    this.#input.focus();
  };

  #clear(event) {
    event.preventDefault();
    event.stopPropagation();
    this.#input.value = "";
    this.#onInput();
  }

  #onSubmit = (event) => {
    event.preventDefault();
    const link = this.#words && this.#first?.querySelector("a");
    if (!link) return;
    this.#input.blur();
    link.click();
  };
}
