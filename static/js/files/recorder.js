// Speaking: hold the button on a phone, or click it; what is said goes when it is let go.
import { inMinutes } from "../chat/attachment.js";
import { giveBack } from "../page/focus.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";

const LONGEST = 60; // seconds
const SHORTEST = 0.7; // seconds: less was no speaking
const AWAY = 70; // px above the button, where letting go discards it
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const EXTENSIONS = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };
const TICK = 200; // ms

/** Whether this page may record; on plain http no browser lets it. */
export function canRecord() {
  return isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia) &&
    "MediaRecorder" in window;
}

/** Tells the document `recorder:listening` when it begins. */
export class Recorder {
  #send;
  #button = document.getElementById("voice-button");
  #bar = document.getElementById("voice-bar");
  #question = null; // the last one for the microphone; an answer to another one counts for nothing
  #recording = null; // {recorder, stream, began, ended, timer, parts, isOver}
  #isHeld = false;
  #isAway = false;

  /** `send` gets the file, and its seconds. */
  constructor(send) {
    this.#send = send;
  }

  connect() {
    this.#button.addEventListener("pointerdown", this.#onDown);
    this.#button.addEventListener("pointermove", this.#onMove);
    this.#button.addEventListener("pointerup", this.#onUp);
    this.#button.addEventListener("pointercancel", this.#onLost);
    this.#button.addEventListener("click", this.#onClick);
    this.#button.addEventListener("contextmenu", this.#onMenu);
    this.#bar.addEventListener("click", this.#onBar);
    this.#bar.addEventListener("keydown", this.#onKey);
  }

  disconnect() {
    this.#button.removeEventListener("pointerdown", this.#onDown);
    this.#button.removeEventListener("pointermove", this.#onMove);
    this.#button.removeEventListener("pointerup", this.#onUp);
    this.#button.removeEventListener("pointercancel", this.#onLost);
    this.#button.removeEventListener("click", this.#onClick);
    this.#button.removeEventListener("contextmenu", this.#onMenu);
    this.#bar.removeEventListener("click", this.#onBar);
    this.#bar.removeEventListener("keydown", this.#onKey);
    this.#question = null;
    this.#end(false);
  }

  #onDown = (event) => {
    if (event.pointerType === "mouse" || this.#recording) return;
    event.preventDefault();
    this.#button.setPointerCapture(event.pointerId);
    [this.#isHeld, this.#isAway] = [true, false];
    this.#begin();
  };

  #onMove = ({ clientY }) => {
    if (!this.#isHeld) return;
    this.#isAway = this.#button.getBoundingClientRect().top - clientY > AWAY;
    this.#show();
  };

  #onUp = () => {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#end(!this.#isAway);
  };

  #onLost = () => {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#end(false);
  };

  /** A long press calls no menu up. */
  #onMenu = (event) => event.preventDefault();

  /** A mouse and a keyboard begin and end; a finger has held it already. */
  #onClick = (event) => {
    if (event.pointerType && event.pointerType !== "mouse") return;
    if (this.#recording) this.#end(true);
    else this.#begin();
  };

  #onBar = ({ target }) => {
    if (target.closest(".voice-cancel")) this.#end(false);
    else if (target.closest(".voice-send")) this.#end(true);
  };

  #onKey = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.#end(false);
  };

  async #begin() {
    const isByHand = this.#isHeld;
    const question = Symbol("microphone");
    this.#question = question;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch ({ name }) {
      if (question !== this.#question) return;
      this.#isHeld = false;
      toast(text(name === "NotFoundError" ? "no_microphone_found" : "no_microphone"));
      return;
    }
    // The chat was left meanwhile, or the button was pressed once more.
    if (question !== this.#question) return stop(stream);
    // The question for the microphone has taken the finger away.
    if (isByHand && !this.#isHeld) {
      stop(stream);
      toast(text("hold_to_speak"));
      return;
    }
    this.#record(stream);
  }

  #record(stream) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {});
    const recording = { recorder, stream, began: performance.now(), parts: [] };
    recorder.addEventListener("dataavailable", ({ data }) => recording.parts.push(data));
    // It ends by itself, too, as when the microphone is unplugged.
    recording.isOver = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    recording.isOver.then(() => {
      recording.ended = performance.now();
      this.#tick();
    });
    document.dispatchEvent(new CustomEvent("recorder:listening"));
    recorder.start();
    recording.timer = setInterval(this.#tick, TICK);
    this.#recording = recording;
    this.#bar.classList.toggle("held", this.#isHeld);
    this.#bar.hidden = false;
    this.#button.setAttribute("aria-pressed", "true");
    this.#show();
    if (!this.#isHeld) this.#bar.querySelector(".voice-send").focus();
  }

  get #seconds() {
    const { began, ended = performance.now() } = this.#recording;
    return (ended - began) / 1000;
  }

  #tick = () => {
    if (!this.#recording) return;
    if (this.#seconds >= LONGEST) this.#end(true);
    else this.#show();
  };

  #show() {
    if (!this.#recording) return;
    this.#bar.classList.toggle("away", this.#isAway);
    this.#bar.querySelector(".voice-time").textContent = inMinutes(this.#seconds);
    // Words that are set once more are said aloud once more, into the microphone.
    const [place, words] = [this.#bar.querySelector(".voice-words"), this.#words];
    if (place.textContent !== words) place.textContent = words;
  }

  get #words() {
    const left = LONGEST - this.#seconds;
    if (this.#recording.ended) return text("recording_ended");
    if (left < 10) return text("seconds_left", { count: Math.ceil(left) });
    if (this.#isAway) return text("release_to_cancel");
    return text(this.#isHeld ? "release_to_send" : "speaking");
  }

  async #end(isWanted) {
    const recording = this.#recording;
    if (!recording) return;
    const seconds = this.#seconds;
    this.#recording = null;
    clearInterval(recording.timer);
    if (this.#bar.contains(document.activeElement)) document.activeElement.blur();
    this.#bar.hidden = true;
    this.#button.removeAttribute("aria-pressed");
    giveBack(this.#button);
    if (recording.recorder.state !== "inactive") recording.recorder.stop();
    await recording.isOver;
    stop(recording.stream);
    if (isWanted && seconds < SHORTEST) toast(text("too_short"));
    else if (isWanted) this.#send(pack(recording), seconds);
  }
}

function pack({ recorder, parts }) {
  const [type] = recorder.mimeType.split(";");
  return new File(parts, `${text("voice")}.${EXTENSIONS[type] ?? "webm"}`, { type });
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}
