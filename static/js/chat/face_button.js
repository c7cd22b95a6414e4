// The button for another profile picture; the dialog that it opens comes with the second script.
import { needLate } from "../page/late.js";

export class FaceButton {
  #api;
  #button = null;
  #dialog = null;

  constructor(api) {
    this.#api = api;
  }

  connect() {
    this.#button = document.getElementById("face-button");
    if (!this.#button) return;
    this.#button.hidden = false;
    this.#button.addEventListener("click", this.#onClick);
  }

  disconnect() {
    this.#button?.removeEventListener("click", this.#onClick);
    this.#dialog?.disconnect();
    this.#dialog = null;
  }

  /** Close the dialog, as a step back in the history does; false if it is not open. */
  rest() {
    return this.#dialog?.rest() ?? false;
  }

  #onClick = () => needLate(({ FaceDialog }) => this.#open(FaceDialog));

  #open(FaceDialog) {
    if (!document.getElementById("face")) return; // the reader has gone on
    if (!this.#dialog) {
      this.#dialog = new FaceDialog(this.#api);
      this.#dialog.connect();
    }
    this.#dialog.open();
  }
}
