// The ways in which files come into a chat: chosen, taken with the camera, pasted, dropped.
import { openMenu } from "../page/menu.js";
import { isSecondOfTwo } from "../page/press.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { FileBubbles } from "./bubbles.js";
import { chosen, prepare } from "./choice.js";
import { Dropping } from "./dropping.js";
import { Pasting } from "./pasting.js";
import { canRecord, Recorder } from "./recorder.js";
import { Sheet } from "./sheet.js";

const SHOWN = "image/*,video/*";

let endLast = () => {}; // browsers of before 2023 do not tell that their reader has thought better

export class Choosing {
  #uploads;
  #clock;
  #username;
  #toEnd;
  #sheet;
  #bubbles;
  #button = document.getElementById("attach-button");
  #pasting;
  #dropping;
  #recorder = canRecord() ? new Recorder((file, seconds) => this.#speak(file, seconds)) : null;

  /** `username` names the friend of the open chat; `toEnd` leads to its last messages. */
  constructor(element, { uploads, thread, pages, clock, username, toEnd }) {
    this.#uploads = uploads;
    this.#clock = clock;
    this.#username = username;
    this.#toEnd = toEnd;
    this.#sheet = new Sheet(Number(this.#button.dataset.limit));
    const [isOpen, offer] = [() => !this.#button.disabled, (files) => this.offer(files)];
    this.#pasting = new Pasting({ clock, offer });
    this.#dropping = new Dropping(element, { isOpen, offer });
    const chooseAgain = (item) => this.#chooseAgain(item);
    this.#bubbles = new FileBubbles(uploads, { thread, pages, username, chooseAgain });
  }

  connect() {
    this.#sheet.connect();
    this.#bubbles.connect();
    this.#button.addEventListener("click", this.#onButton);
    this.#pasting.connect();
    this.#dropping.connect();
    this.#recorder?.connect();
    document.getElementById("voice-button").hidden = !this.#recorder;
    this.showUploads();
  }

  disconnect() {
    this.#sheet.disconnect();
    this.#bubbles.disconnect();
    this.#recorder?.disconnect();
    this.#button.removeEventListener("click", this.#onButton);
    this.#pasting.disconnect();
    this.#dropping.disconnect();
  }

  /** Show the files on their way below the messages. */
  showUploads() {
    this.#bubbles.showAll();
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

  /** As `offer`, for what was dropped onto the chat. */
  offerDropped(dropped) {
    this.#dropping.take(dropped);
  }

  /** Close what is open over the chat; false if nothing is. */
  rest() {
    return this.#sheet.rest();
  }

  #send(files) {
    const items = this.#uploads.add(this.#username(), files, this.#clock.minute());
    items.forEach((item, number) => {
      this.#bubbles.show(item, { thumbnail: files[number].thumbnail });
    });
    this.#toEnd();
  }

  #speak(file, duration) {
    const { name, size, lastModified: modified } = file;
    const view = { kind: "voice", name, size, duration, preview: null };
    this.#send([{ file, name, kind: "voice", modified, view, thumbnail: null }]);
  }

  /** Where no page may record, the recorder of the device may. */
  async #chooseVoice() {
    toast(text("voice_needs_https"));
    const [file] = await pick({ accept: "audio/*", capture: "user", multiple: false });
    if (file) this.#speak(file);
  }

  /** Go on with the file as it was chosen, or as it was made smaller then. */
  async #chooseAgain({ clientId, name }) {
    const [file] = await pick({ accept: "", multiple: false });
    if (!file) return;
    const { lastModified: modified } = file;
    if (this.#uploads.resume(clientId, { file, name: file.name, modified })) return;
    const again = chosen(await prepare(file), false);
    if (!this.#uploads.resume(clientId, again)) toast(text("another_file", { name }));
  }
}

/** Ask for files of this device; resolves to none if its reader thinks better. */
export function pick({ accept, capture, multiple = true }) {
  endLast();
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept, multiple, hidden: true });
  if (capture) input.setAttribute("capture", capture);
  document.body.append(input);
  return new Promise((resolve) => {
    const end = () => {
      input.remove();
      resolve([...input.files]);
    };
    endLast = end;
    input.addEventListener("change", end);
    input.addEventListener("cancel", end);
    input.click();
  });
}
