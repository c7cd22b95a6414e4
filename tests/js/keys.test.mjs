import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

class Element extends EventTarget {
  attributes = new Map();
  value = "";
  constructor(name, id = "") {
    super();
    Object.assign(this, { name, id });
  }
  matches(selector) {
    return selector.split(", ").includes(this.name);
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  closest() {
    return null;
  }
  focus() {
    document.activeElement = this;
  }
  showModal() {
    open = ["keys"];
  }
  click() {
    clicked.push(this.id);
  }
  getClientRects() {
    return [{}];
  }
}

let open; // the ids of the open dialogs
let clicked;
const [field, detail, sheet, back] = [
  new Element("textarea", "composer-text"),
  new Element("main", "detail"),
  new Element("dialog", "keys"),
  new Element("a", "back"),
];
const elements = { "composer-text": field, detail, keys: sheet, "keys-button": new Element() };
document.body = Object.assign(new Element("body"), { dataset: {} });
document.getElementById = (id) => elements[id] ?? null;
document.querySelector = (selector) => {
  if (selector.endsWith(".back")) return back;
  return open.some((id) => selector === "dialog[open]" || id !== "pending") ? sheet : null;
};
globalThis.matchMedia = () => ({ matches: false });
globalThis.location = { href: "http://chat.test/chat/bob/" };
globalThis.history = { state: { index: 1 } };
const { recall } = await import("../../static/js/page/memory.js");
const { Keys } = await import("../../static/js/page/keys.js");
const { watchSwipes } = await import("../../static/js/page/swipe.js");
const { TypeAhead } = await import("../../static/js/page/type_ahead.js");
const typeAhead = new TypeAhead();
new Keys({ base: "/", store: {}, visit: () => {}, address: () => "" }).start();
typeAhead.start();
watchSwipes();

beforeEach(() => {
  [open, clicked] = [[], []];
  document.activeElement = document.body;
  detail.attributes.clear();
});

function press(key) {
  const event = new Event("keydown", { cancelable: true });
  document.dispatchEvent(Object.assign(event, { key, getModifierState: () => false }));
}

function swipe() {
  const touch = (clientX) => ({ identifier: 1, clientX, clientY: 300 });
  document.dispatchEvent(Object.assign(new Event("touchstart"), { touches: [touch(5)] }));
  document.dispatchEvent(Object.assign(new Event("touchend"), { changedTouches: [touch(200)] }));
}

test("letters go into the message also while a notice or an announcement stands", () => {
  for (const dialogs of [[], ["pending"]]) {
    open = dialogs;
    document.activeElement = document.body;
    press("h");
    assert.equal(document.activeElement, field, dialogs[0]);
  }
});

test("so do the keys of the page, and the swipe back", () => {
  open = ["pending"];
  press("Escape");
  assert.equal(document.activeElement, field);
  swipe();
  assert.deepEqual(clicked, ["back"]);
  document.activeElement = document.body;
  press("?");
  assert.deepEqual(open, ["keys"]);
});

test("a dialog that asks something has the keys for itself", () => {
  open = ["pending", "question"];
  for (const key of ["h", "?", "Escape"]) press(key);
  swipe();
  assert.deepEqual([document.activeElement, clicked, open.length], [document.body, [], 2]);
});

test("while a chat is on its way, a question mark is a letter for it", () => {
  detail.attributes.set("aria-busy", "true");
  for (const key of ["w", "h", "o", "?"]) press(key);
  assert.deepEqual(open, []);
  field.setRangeText = (words) => (field.value = words);
  typeAhead.pour();
  assert.equal(field.value, "who?");
});

test("what was meant for a chat that has not come is kept for it, and for nobody else", () => {
  detail.attributes.set("aria-busy", "true");
  Object.assign(field, { readOnly: true, value: "" });
  document.activeElement = field;
  press("h");
  const paste = new Event("paste", { cancelable: true });
  document.dispatchEvent(Object.assign(paste, { clipboardData: { getData: () => "ello" } }));
  field.readOnly = false;
  typeAhead.pour("http://chat.test/chat/r%20ob/");
  typeAhead.pour();
  assert.deepEqual([paste.defaultPrevented, recall("draft:r ob"), field.value], [
    true,
    "hello",
    "",
  ]);
});
