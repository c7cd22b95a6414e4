// Dropping files onto the chat, which shows that it takes them.
import { hasFiles, readDrop } from "../page/drops.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";

const EVENTS = ["dragenter", "dragover", "dragleave", "drop"];

export class Dropping {
  #element;
  #isOpen;
  #offer;
  #place = document.getElementById("drop-here");
  #depth = 0; // of elements that something is dragged over

  /** `isOpen` tells whether files can be sent, `offer` gets them. */
  constructor(element, { isOpen, offer }) {
    this.#element = element;
    this.#isOpen = isOpen;
    this.#offer = offer;
  }

  connect() {
    for (const name of EVENTS) this.#element.addEventListener(name, this.#onDrag);
  }

  disconnect() {
    for (const name of EVENTS) this.#element.removeEventListener(name, this.#onDrag);
  }

  /** Take what was dropped, as long as its event lasts, or as `readDrop` has read it then. */
  take({ files, hasFolder }) {
    if (hasFolder) toast(text("no_folders"));
    this.#offer(files);
  }

  #onDrag = (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.type === "dragenter") this.#depth += 1;
    if (event.type === "dragleave") this.#depth -= 1;
    if (event.type === "drop") this.#depth = 0;
    const isTaken = this.#isOpen();
    this.#place.hidden = this.#depth <= 0 || !isTaken;
    if (!isTaken) event.dataTransfer.dropEffect = "none";
    else if (event.type === "drop") this.take(readDrop(event.dataTransfer));
  };
}
