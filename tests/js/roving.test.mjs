import assert from "node:assert/strict";
import { test } from "node:test";
import { Roving } from "../../static/js/page/roving.js";

globalThis.MutationObserver = class {
  observe() {}
};

let focused = null;

class Control {
  constructor(name, group) {
    Object.assign(this, { name, group });
  }
  matches(selector) {
    return selector === this.name;
  }
  closest(selector) {
    return selector === ".message" ? this.group : null;
  }
  getClientRects() {
    return [{}];
  }
  focus() {
    focused = this;
  }
}

/** A message with a menu, and with code that scrolls beside its link. */
function makeMessage() {
  const group = { scrollIntoView: () => {} };
  const [more, code, link] = ["button", "pre", "a"].map((name) => new Control(name, group));
  const all = [more, code, link];
  Object.assign(group, { querySelector: () => more, querySelectorAll: () => all });
  const root = Object.assign(new EventTarget(), {
    querySelectorAll: (selector) => selector.endsWith(".message-more") ? [more] : all,
  });
  new Roving(root, { group: ".message", item: ".message-more", choose: ([first]) => first })
    .connect();
  const press = (target, key) => {
    const event = Object.assign(new Event("keydown", { cancelable: true }), { key });
    Object.defineProperty(event, "target", { value: target });
    root.dispatchEvent(event);
    return event;
  };
  return { more, code, link, press };
}

test("Left and Right lead through the controls of a message", () => {
  const { more, code, link, press } = makeMessage();
  press(more, "ArrowRight");
  assert.equal(focused, code);
  press(link, "ArrowLeft");
  assert.equal(focused, code);
});

test("on code they scroll it", () => {
  const { code, press } = makeMessage();
  focused = code;
  for (const key of ["ArrowLeft", "ArrowRight"]) {
    assert.equal(press(code, key).defaultPrevented, false);
    assert.equal(focused, code);
  }
});
