// A short sound for messages that come while the reader looks elsewhere.
import { isMine } from "./message.js";

const TONES = [880, 660]; // Hz
const TONE_SECONDS = 0.09;
const LOUDNESS = 0.06;
const QUIET = 2_000; // ms between two sounds
const STILL = 300; // ms without a gesture

/** Browsers let a page make sounds only after a first gesture; until then it stays silent. */
export class Attention {
  #store;
  #audio = null;
  #timer;
  #soundedAt = -QUIET;

  constructor(store) {
    this.#store = store;
  }

  start() {
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, this.#wake);
    document.addEventListener("live:message", ({ detail }) => this.#onMessage(detail.message));
  }

  /**
   * To make the means takes longer than a key may: they come when the first gestures have passed.
   * Where only a gesture itself lets them begin, the next one does.
   */
  #wake = () => {
    if (!isWanted()) return;
    if (this.#audio) {
      if (this.#audio.state !== "running") this.#audio.resume();
    } else {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#audio ??= new AudioContext();
      }, STILL);
    }
  };

  #onMessage(message) {
    if (!isWanted() || isMine(message) || this.#isSeen(message.with)) return;
    if (this.#store.get(message.with)?.muted) return;
    if (!this.#audio || performance.now() - this.#soundedAt < QUIET) return;
    this.#soundedAt = performance.now();
    for (const [place, frequency] of TONES.entries()) this.#sound(frequency, place * TONE_SECONDS);
  }

  #isSeen(username) {
    const open = document.getElementById("conversation")?.dataset.with;
    return open === username && document.visibilityState === "visible" && document.hasFocus();
  }

  #sound(frequency, after) {
    const start = this.#audio.currentTime + after;
    const tone = new OscillatorNode(this.#audio, { frequency });
    const volume = new GainNode(this.#audio, { gain: LOUDNESS });
    volume.gain.exponentialRampToValueAtTime(0.001, start + TONE_SECONDS);
    tone.connect(volume).connect(this.#audio.destination);
    tone.start(start);
    tone.stop(start + TONE_SECONDS);
  }
}

/** Whether sounds are on: the settings may change it while the page is open. */
function isWanted() {
  return document.body.dataset.sound === "on";
}
