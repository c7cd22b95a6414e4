import assert from "node:assert/strict";
import { test } from "node:test";

class Element {}
class HTMLElement extends Element {}
Object.assign(globalThis, { Element, HTMLElement });
document.createElement = () => new HTMLElement();
delete Array.prototype.at;
delete globalThis.BroadcastChannel;
const { fillIn } = await import("../../static/js/page/older.js");
fillIn();

test("the last of a list is found", () => {
  assert.deepEqual([[1, 2].at(-1), [1, 2].at(0), [].at(-1), [1].at(3)], [
    2,
    1,
    undefined,
    undefined,
  ]);
});

test("nothing new turns up in a loop over a list", () => {
  assert.deepEqual(Object.keys([7]), ["0"]);
  for (const key in [7]) assert.equal(key, "0");
});

test("a channel that reaches nobody can be spoken into", () => {
  new BroadcastChannel("x").postMessage({});
});

test("a dialog opens and closes, and tells of it", () => {
  const dialog = Object.assign(new HTMLElement(), {
    attributes: new Set(),
    hasAttribute(name) {
      return this.attributes.has(name);
    },
    toggleAttribute(name, isOn) {
      this.attributes[isOn ? "add" : "delete"](name);
    },
    told: [],
    dispatchEvent(event) {
      this.told.push(event.type);
    },
  });
  dialog.showModal();
  assert.equal(dialog.open, true);
  dialog.close();
  assert.deepEqual([dialog.open, dialog.told], [false, ["close"]]);
});

test("whatever the browser has itself stays", () => {
  const own = Array.prototype.at;
  fillIn();
  assert.equal(Array.prototype.at, own);
});
