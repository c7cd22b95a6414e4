// Pasting: a picture is offered to be sent; what has a text is pasted as text first.
import { isField } from "../page/focus.js";
import { text } from "../strings.js";

const OTHER_DIALOGS = "dialog[open]:not(#files, #pending)";

export class Pasting {
  #clock;
  #offer;
  #field = document.getElementById("composer-text");
  #bar = document.getElementById("paste-offer");
  #files = []; // of what was pasted as text
  #before = ""; // the text of the field until then

  /** `offer` gets files. */
  constructor({ clock, offer }) {
    this.#clock = clock;
    this.#offer = offer;
  }

  connect() {
    document.addEventListener("paste", this.#onPaste);
    this.#bar.addEventListener("click", this.#onBar);
    this.#field.addEventListener("input", this.#onInput);
  }

  disconnect() {
    document.removeEventListener("paste", this.#onPaste);
    this.#bar.removeEventListener("click", this.#onBar);
    this.#field.removeEventListener("input", this.#onInput);
    this.#show([]);
  }

  /** A range of cells comes with its picture, and stays text. */
  #onPaste = (event) => {
    const isElsewhere = event.target !== this.#field && isField(event.target);
    const { files, types } = event.clipboardData ?? {};
    if (isElsewhere || !files?.length || document.querySelector(OTHER_DIALOGS)) return;
    const when = this.#clock.minute().replace(/\D/g, "");
    const pasted = [...files].map((file) => named(file, when));
    if (!types.includes("text/plain")) {
      event.preventDefault();
      this.#offer(pasted);
    } else if (event.target === this.#field) {
      this.#before = this.#field.value;
      setTimeout(() => this.#show(pasted)); // after the text, whose input takes an offer away
    }
  };

  #onInput = () => this.#show([]);

  #show(files) {
    this.#files = files;
    this.#bar.hidden = !files.length;
  }

  #onBar = ({ target }) => {
    if (!target.closest("button")) return;
    const files = this.#files;
    if (target.closest(".paste-picture")) {
      this.#field.value = this.#before;
      this.#field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      this.#offer(files);
    } else this.#field.focus({ preventScroll: true });
    this.#show([]);
  };
}

/** Give a pasted picture a name that says when, in place of image.png. */
function named(file, when) {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const name = `${text("pasted")}${when}.${file.name.split(".").at(-1)}`;
  return new File([file], name, { type: file.type, lastModified: file.lastModified });
}
