// The field in which a message is written.
import { recall, remember } from "../page/memory.js";

const HIGHEST = 160; // px, then it scrolls

export class Composer {
  #form;
  #field;
  #send;
  #draftKey;
  #isTouch = matchMedia("(pointer: coarse)").matches;

  constructor(form, username, send) {
    this.#form = form;
    this.#field = form.elements.text;
    this.#send = send;
    this.#draftKey = `draft:${username}`;
  }

  connect() {
    this.#field.value ||= recall(this.#draftKey) ?? "";
    this.#field.enterKeyHint = this.#isTouch ? "enter" : "send";
    this.#field.addEventListener("input", this.#onInput);
    this.#field.addEventListener("keydown", this.#onKeyDown);
    this.#form.addEventListener("submit", this.#onSubmit);
    this.#grow();
    if (!this.#isTouch) this.#field.focus({ preventScroll: true });
  }

  disconnect() {
    this.#field.removeEventListener("input", this.#onInput);
    this.#field.removeEventListener("keydown", this.#onKeyDown);
    this.#form.removeEventListener("submit", this.#onSubmit);
  }

  /** What is typed from now on is kept under another name. */
  rename(username) {
    this.#draftKey = `draft:${username}`;
  }

  /** Nothing can be sent any more; what was typed stays to be read and copied. */
  lock(reason) {
    this.notify(reason);
    this.#field.readOnly = true;
    this.#form.querySelector(".send").disabled = true;
  }

  /** Say above the field why a message would not arrive; nothing for nothing. */
  notify(words) {
    const notice = document.getElementById("composer-locked");
    notice.textContent = words;
    notice.hidden = !words;
  }

  showError(words) {
    const element = document.getElementById("composer-error");
    element.textContent = words;
    element.hidden = !words;
  }

  #onInput = () => {
    remember(this.#draftKey, this.#field.value);
    this.#grow();
  };

  #onKeyDown = (event) => {
    // keyCode 229: Safari ends a composition before the Enter that confirmed it.
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    if (this.#isTouch || event.shiftKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    this.#submit();
  };

  #onSubmit = (event) => {
    event.preventDefault();
    this.#submit();
    this.#field.focus({ preventScroll: true });
  };

  #submit() {
    const words = this.#field.value.trim();
    if (!words || this.#field.readOnly) return;
    this.showError("");
    this.#field.value = "";
    this.#onInput();
    this.#send(words);
  }

  #grow() {
    this.#field.style.height = "auto";
    const border = this.#field.offsetHeight - this.#field.clientHeight;
    this.#field.style.height = `${Math.min(this.#field.scrollHeight + border, HIGHEST)}px`;
  }
}
