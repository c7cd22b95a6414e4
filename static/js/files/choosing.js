// The ways in which files come into a chat: chosen, taken with the camera, pasted, dropped.
import { openMenu } from "../page/menu.js";
import { isSecondOfTwo } from "../page/press.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { FileBubbles } from "./bubbles.js";
import { canRecord, Recorder } from "./recorder.js";
import { Sheet } from "./sheet.js";

const SHOWN = "image/*,video/*";

export class Choosing {
  #element;
  #uploads;
  #clock;
  #username;
  #sheet;
  #bubbles;
  #button = document.getElementById("attach-button");
  #field = document.getElementById("composer-text");
  #drop = document.getElementById("drop-here");
  #recorder = canRecord() ? new Recorder((file, seconds) => this.#speak(file, seconds)) : null;
  #depth = 0; // of elements that something is dragged over

  /** `username` names the friend of the open chat. */
  constructor(element, { uploads, thread, clock, username }) {
    this.#element = element;
    this.#uploads = uploads;
    this.#clock = clock;
    this.#username = username;
    this.#sheet = new Sheet(Number(this.#button.dataset.limit));
    const chooseAgain = (item) => this.#chooseAgain(item);
    this.#bubbles = new FileBubbles(uploads, { thread, username, chooseAgain });
  }

  connect() {
    this.#sheet.connect();
    this.#bubbles.connect();
    this.#button.addEventListener("click", this.#onButton);
    this.#field.addEventListener("paste", this.#onPaste);
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.#element.addEventListener(name, this.#onDrag);
    }
    this.#recorder?.connect();
    document.getElementById("voice-button").hidden = !this.#recorder;
    this.#bubbles.showAll();
  }

  disconnect() {
    this.#sheet.disconnect();
    this.#bubbles.disconnect();
    this.#recorder?.disconnect();
    this.#button.removeEventListener("click", this.#onButton);
    this.#field.removeEventListener("paste", this.#onPaste);
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.#element.removeEventListener(name, this.#onDrag);
    }
  }

  /** As the click on its button that came before this script. */
  open() {
    const hasCamera = matchMedia("(pointer: coarse)").matches;
    const items = [
      { label: text("choose_pictures"), act: () => this.#choose({ accept: SHOWN }) },
      hasCamera && { label: text("take_picture"), act: () => this.#capture("image/*") },
      hasCamera && { label: text("take_video"), act: () => this.#capture("video/*") },
      { label: text("choose_files"), act: () => this.#choose({ accept: "" }, { asFile: true }) },
      !this.#recorder && { label: text("voice"), act: () => this.#chooseVoice() },
    ];
    openMenu({
      box: this.#button.getBoundingClientRect(),
      items: items.filter(Boolean),
      origin: this.#button,
    });
  }

  #onButton = (event) => {
    if (!isSecondOfTwo(event)) this.open();
  };

  #capture(accept) {
    this.#choose({ accept, capture: "environment", multiple: false });
  }

  async #choose(how, options) {
    this.offer(await pick(how), options);
  }

  /** Show files before they are sent, and send them. */
  async offer(files, options) {
    if (!files.length || this.#button.disabled) return;
    const answer = await this.#sheet.ask(files, options);
    if (answer) this.#send(answer);
  }

  #send(chosen) {
    const items = this.#uploads.add(this.#username(), chosen, this.#clock.minute());
    items.forEach((item, number) => this.#bubbles.show(item, chosen[number].thumbnail));
  }

  #speak(file, duration) {
    const { name, size } = file;
    const view = { kind: "voice", name, size, duration, preview: null };
    this.#send([{ file, name, kind: "voice", view, thumbnail: null }]);
  }

  /** Where no page may record, the recorder of the device may. */
  async #chooseVoice() {
    toast(text("voice_needs_https"));
    const [file] = await pick({ accept: "audio/*", capture: "user", multiple: false });
    if (file) this.#speak(file);
  }

  async #chooseAgain(item) {
    const [file] = await pick({ accept: "", multiple: false });
    if (file && !this.#uploads.resume(item.clientId, file)) {
      toast(text("another_file", { name: item.name }));
    }
  }

  /** Text stays text, as a range of cells that comes with its picture. */
  #onPaste = (event) => {
    const { files, types } = event.clipboardData ?? {};
    if (!files?.length || types.includes("text/plain")) return;
    event.preventDefault();
    const when = this.#clock.minute().replace(/\D/g, "");
    this.offer([...files].map((file) => named(file, when)));
  };

  #onDrag = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (event.type === "dragenter") this.#depth += 1;
    if (event.type === "dragleave") this.#depth -= 1;
    if (event.type === "drop") {
      this.#depth = 0;
      this.offer([...event.dataTransfer.files]);
    }
    this.#drop.hidden = this.#depth <= 0;
  };
}

/** Ask for files of this device; resolves to none if its reader thinks better. */
export function pick({ accept, capture, multiple = true }) {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept, multiple, hidden: true });
  if (capture) input.setAttribute("capture", capture);
  document.body.append(input);
  return new Promise((resolve) => {
    const end = () => {
      input.remove();
      resolve([...input.files]);
    };
    input.addEventListener("change", end);
    input.addEventListener("cancel", end);
    input.click();
  });
}

/** Give a pasted picture a name that says when, in place of image.png. */
function named(file, when) {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const name = `${text("pasted")}${when}.${file.name.split(".").at(-1)}`;
  return new File([file], name, { type: file.type, lastModified: file.lastModified });
}
