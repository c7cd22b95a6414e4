// The button for another profile picture; the dialog that it opens comes with the second script.
import { needLate } from "../page/late.js";

export class FaceButton {
  #api;
  #dialog = null;

  constructor(api) {
    this.#api = api;
  }

  connect() {
    const button = document.getElementById("face-button");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => needLate(({ FaceDialog }) => this.#open(FaceDialog)));
  }

  disconnect() {
    this.#dialog?.disconnect();
    this.#dialog = null;
  }

  #open(FaceDialog) {
    if (!document.getElementById("face")) return; // the reader has gone on
    if (!this.#dialog) {
      this.#dialog = new FaceDialog(this.#api);
      this.#dialog.connect();
    }
    this.#dialog.open();
  }
}
