import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Forms } from "../../static/js/page/forms.js";
import { Saving } from "../../static/js/page/saving.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** An answer that never comes, for somebody who may stop waiting. */
const never = (_url, { signal }) =>
  new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
const gone = () => Promise.reject(new TypeError("Failed to fetch"));

let form;
let status;
let box; // of the toast
let words; // of the notices of the answer
let saved;

globalThis.FormData = class {
  *[Symbol.iterator]() {}
};
globalThis.DOMParser = class {
  parseFromString = () => ({
    documentElement: { dataset: {} },
    body: { dataset: {} },
    head: { querySelectorAll: () => [] },
    getElementById: () => ({}),
    querySelector: () => ({}),
    querySelectorAll: () => words.map((textContent) => ({ textContent })),
  });
};
document.head = { querySelectorAll: () => [], append: () => {} };
document.importNode = (node) => node;
document.querySelector = () => ({});
document.getElementById = () => box;
new Saving(() => (saved += 1)).start();

beforeEach(() => {
  status = { textContent: "", classList: { add: () => {} } };
  form = { isConnected: true, matches: () => true, querySelector: () => status };
  form.querySelectorAll = () => [];
  box = {};
  words = [];
  saved = 0;
});

function happen(name) {
  const event = new Event(name, { cancelable: true });
  Object.defineProperty(event, "target", { value: name === "change" ? { form } : form });
  Object.defineProperty(event, "submitter", { value: form.button = {} });
  document.dispatchEvent(event);
}

const page = () =>
  Promise.resolve({
    ok: true,
    headers: new Headers({ "Content-Type": "text/html" }),
    text: () => Promise.resolve(""),
  });

test("a choice is saved, and the server's words are said, or ours", async () => {
  globalThis.fetch = page;
  happen("change");
  await settled();
  assert.deepEqual([box.textContent, status.textContent, saved], ["saved", "", 1]);
  words = ["Your settings are saved."];
  happen("change");
  await settled();
  assert.equal(box.textContent, "Your settings are saved.");
});

test("a choice that cannot be saved is named beside the form, or above the page that one is on", async () => {
  globalThis.fetch = gone;
  happen("change");
  await settled();
  assert.deepEqual([box.textContent, status.textContent], [undefined, "not_saved"]);
  [form.isConnected, status.textContent] = [false, ""];
  happen("change");
  await settled();
  assert.deepEqual([box.textContent, status.textContent, saved], ["not_saved", "", 0]);
});

test("after a choice that may be saved or not, the next one says everything", async () => {
  const shown = { name: "initial-sound", value: "on", disabled: false };
  form.querySelectorAll = () => [shown];
  globalThis.fetch = gone;
  happen("change");
  await settled();
  assert.equal(shown.disabled, true);
  globalThis.fetch = page;
  happen("change");
  await settled();
  assert.deepEqual([shown.disabled, shown.value], [false, ""]);
});

test("an answer that never comes is given up, and the next choice is saved", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.fetch = never;
  happen("change");
  for (let turn = 0; turn < 9; turn += 1) await null;
  context.mock.timers.tick(15_000);
  for (let turn = 0; turn < 9; turn += 1) await null;
  assert.equal(status.textContent, "not_saved");
  globalThis.fetch = page;
  happen("change");
  for (let turn = 0; turn < 99; turn += 1) await null;
  assert.equal(saved, 1);
});

test("a form without an answer can be sent again, and says so", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.fetch = never;
  new Forms({ show: () => assert.fail("there is no answer") }).start();
  happen("submit");
  assert.equal(form.button.disabled, true);
  context.mock.timers.tick(15_000);
  for (let turn = 0; turn < 9; turn += 1) await null;
  assert.deepEqual([form.button.disabled, status.textContent], [false, "offline"]);
});
