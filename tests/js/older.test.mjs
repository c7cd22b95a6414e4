import assert from "node:assert/strict";
import { test } from "node:test";

class Element extends EventTarget {}

/** An element of a browser that knows no dialogs. */
class HTMLElement extends Element {
  attributes = new Map();
  children = [];
  hasAttribute(name) {
    return this.attributes.has(name);
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }
  toggleAttribute(name, isOn) {
    if (isOn) this.attributes.set(name, "");
    else this.attributes.delete(name);
  }
  append(...children) {
    this.children.push(...children);
  }
  remove() {}
  closest() {
    return this.parent ?? this;
  }
  querySelector() {
    return null;
  }
}
Object.assign(globalThis, { Element, HTMLElement });
document.createElement = () => new HTMLElement();
document.body = Object.assign(new HTMLElement(), { dataset: {} });
delete Array.prototype.at;
delete globalThis.BroadcastChannel;
const { fillIn } = await import("../../static/js/page/older.js");
fillIn();
const { ask } = await import("../../static/js/page/ask.js");

/** An event at an element, as the document hears it, too. */
function happen(name, target, values = {}) {
  const event = Object.assign(new Event(name, { cancelable: true }), values);
  Object.defineProperty(event, "target", { value: target });
  if (target !== document.body) target.dispatchEvent(event);
  document.dispatchEvent(event);
  return event;
}

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

/** Ask, let `act` answer with the dialog and its two buttons, and return what came of it. */
async function answered(act) {
  const asked = ask("Delete?", "Delete");
  const dialog = document.body.children[document.body.children.length - 1];
  assert.equal(dialog.open, true);
  act(dialog, ...dialog.children[1].children);
  assert.equal(dialog.open, false);
  return await asked;
}

const click = (button) => {
  const event = new Event("click");
  Object.defineProperty(event, "detail", { value: 1 });
  button.dispatchEvent(event);
};

test("a question is answered by its buttons, one after another", async () => {
  assert.equal(await answered((_dialog, _no, yes) => click(yes)), true);
  assert.equal(await answered((_dialog, no) => click(no)), false);
});

test("Escape closes the dialog on top, as no", async () => {
  const below = new HTMLElement();
  below.showModal();
  const result = await answered(() => {
    const event = happen("keydown", document.body, { key: "Escape" });
    assert.equal(event.defaultPrevented, true);
  });
  assert.deepEqual([result, below.open], [false, true]);
  happen("keydown", document.body, { key: "Escape" });
  assert.equal(below.open, false);
  assert.equal(
    happen("keydown", document.body, { key: "Escape" }).defaultPrevented,
    false,
  );
});

test("a dialog that is only open is not closed by Escape", () => {
  const notice = new HTMLElement();
  notice.open = true;
  happen("keydown", document.body, { key: "Escape" });
  assert.equal(notice.open, true);
});

test("a form of a dialog closes it, and sends nothing", () => {
  const dialog = new HTMLElement();
  const form = Object.assign(new HTMLElement(), { parent: dialog });
  form.setAttribute("method", "dialog");
  const told = [];
  dialog.addEventListener("close", () => told.push(dialog.returnValue));
  dialog.showModal();
  const button = Object.assign(new HTMLElement(), { form, value: "done" });
  happen("click", button);
  assert.equal(happen("submit", form).defaultPrevented, true);
  dialog.close();
  assert.deepEqual([dialog.open, told], [false, ["done"]]);
});

test("a form tells which button has sent it, if one of its own was pressed", () => {
  const [form, other] = [new HTMLElement(), new HTMLElement()];
  const button = Object.assign(new HTMLElement(), { form });
  happen("click", button);
  assert.equal(happen("submit", form).submitter, button);
  assert.equal(happen("submit", other).submitter, null);
});

test("anything that the browser has itself stays", () => {
  const own = Array.prototype.at;
  fillIn();
  assert.equal(Array.prototype.at, own);
});
