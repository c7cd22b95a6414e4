import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Recorder } from "../../static/js/files/recorder.js";
import { Element, makePage } from "./elements.mjs";

const turn = () => new Promise((resolve) => setTimeout(resolve));

class Track {
  isStopped = false;
  stop() {
    this.isStopped = true;
  }
}

let elements;
let questions; // to the microphone: {allow, refuse}
let recorders;
let sent;
let tick;
let recorder;

beforeEach(() => {
  [elements, questions, recorders, sent] = [makePage(), [], [], []];
  globalThis.matchMedia = () => ({ matches: false });
  globalThis.setInterval = (act) => (tick = act);
  for (const name of ["time", "words", "cancel", "send"]) {
    document.getElementById("voice-bar").append(new Element("span", `voice-${name}`));
  }
  elements["voice-bar"].hidden = true;
  const getUserMedia = () =>
    new Promise((allow, refuse) => {
      const tracks = [new Track()];
      const stream = { getTracks: () => tracks };
      questions.push({ allow: () => allow(stream), refuse, track: tracks[0] });
    });
  Object.defineProperty(globalThis, "navigator", {
    value: { mediaDevices: { getUserMedia } },
    configurable: true,
  });
  globalThis.MediaRecorder = class extends EventTarget {
    static isTypeSupported = () => true;
    mimeType = "audio/webm;codecs=opus";
    state = "inactive";
    start() {
      this.state = "recording";
      recorders.push(this);
    }
    stop() {
      if (this.state === "inactive") throw new Error("InvalidStateError");
      this.end();
    }
    /** As it ends by itself when the microphone is unplugged. */
    end() {
      this.state = "inactive";
      const data = new Blob(["said"]);
      setTimeout(() => {
        this.dispatchEvent(Object.assign(new Event("dataavailable"), { data }));
        this.dispatchEvent(new Event("stop"));
      });
    }
  };
  recorder = new Recorder((file, seconds) => sent.push({ file, seconds }));
  recorder.connect();
});

afterEach(() => recorder.disconnect());

const press = (kind, facts = {}) =>
  elements["voice-button"].dispatchEvent(Object.assign(new Event(kind), facts));
const click = () => press("click", { pointerType: "mouse" });
const touch = (kind) => press(kind, { pointerType: "touch", pointerId: 1 });
const toast = () => elements.toast?.textContent ?? "";

test("what is said goes with the second click", async (context) => {
  context.mock.method(performance, "now", () => 1_000);
  click();
  questions[0].allow();
  await turn();
  assert.equal(elements["voice-bar"].hidden, false);
  context.mock.method(performance, "now", () => 4_000);
  click();
  await turn();
  assert.deepEqual([sent.length, sent[0].seconds], [1, 3]);
  assert.ok(questions[0].track.isStopped);
});

test("a microphone that comes when the chat was left is not heard", async () => {
  click();
  recorder.disconnect();
  questions[0].allow();
  await turn();
  assert.deepEqual([recorders.length, questions[0].track.isStopped], [0, true]);
  assert.equal(elements["voice-bar"].hidden, true);
});

test("a microphone that is refused when the chat was left says nothing", async () => {
  click();
  recorder.disconnect();
  questions[0].refuse(new Error("NotAllowedError"));
  await turn();
  assert.equal(toast(), "");
});

test("two clicks while one question stands are one recording", async () => {
  click();
  click();
  for (const { allow } of questions) allow();
  await turn();
  assert.deepEqual(questions.map(({ track }) => track.isStopped), [true, false]);
  assert.deepEqual([recorders.length, toast()], [1, ""]);
});

test("a finger that the question has taken away is told to hold", async () => {
  touch("pointerdown");
  touch("pointercancel");
  questions[0].allow();
  await turn();
  assert.deepEqual([recorders.length, questions[0].track.isStopped], [0, true]);
  assert.equal(toast(), "hold_to_speak");
});

test("a recording that ends by itself waits for its speaker", async (context) => {
  context.mock.method(performance, "now", () => 1_000);
  click();
  questions[0].allow();
  await turn();
  context.mock.method(performance, "now", () => 3_000);
  recorders[0].end();
  await turn();
  context.mock.method(performance, "now", () => 99_000);
  tick();
  const words = elements["voice-bar"].querySelector(".voice-words");
  assert.deepEqual([words.textContent, sent.length], ["recording_ended", 0]);
  assert.equal(elements["voice-bar"].hidden, false);
  click();
  await turn();
  assert.deepEqual([sent.length, sent[0].seconds, sent[0].file.size], [1, 2, 4]);
  assert.equal(elements["voice-bar"].hidden, true);
});

test("words that stay the same are set once, as they are said aloud", async () => {
  click();
  questions[0].allow();
  await turn();
  const words = elements["voice-bar"].querySelector(".voice-words");
  const [node] = words.childNodes;
  words.replaceChildren = () => assert.fail(`${node} is said once more`);
  tick();
  assert.equal(words.textContent, "speaking");
});

test("a voice that plays is silent while somebody speaks", async () => {
  globalThis.Audio = class extends Element {
    isPlaying = false;
    constructor() {
      super("audio");
      audio = this;
    }
    play() {
      this.isPlaying = true;
      return Promise.resolve();
    }
    pause() {
      this.isPlaying = false;
    }
    load() {
      assert.equal(this.src, undefined);
    }
  };
  let audio;
  const link = new Element("a", "attachment voice");
  link.href = "/attachments/1/";
  document.getElementById("messages").append(link);
  const { Voices } = await import("../../static/js/files/voices.js");
  const voices = new Voices();
  voices.connect();
  const press = Object.assign(new Event("click", { cancelable: true }), { pointerType: "mouse" });
  Object.defineProperty(press, "target", { value: link });
  elements.messages.dispatchEvent(press);
  assert.deepEqual([audio.isPlaying, audio.src], [true, "/attachments/1/"]);
  click();
  questions[0].allow();
  await turn();
  assert.deepEqual([audio.isPlaying, audio.src], [false, undefined]);
  assert.equal(link.classList.contains("playing"), false);
  voices.disconnect();
});
