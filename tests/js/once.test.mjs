import assert from "node:assert/strict";
import { test } from "node:test";
import { sendOnce } from "../../static/js/page/once.js";

class Form {
  method = "post";
  setAttribute() {}
  removeAttribute() {}
}

class Happening extends Event {
  #target;
  constructor(name, target) {
    super(name, { cancelable: true });
    this.#target = target;
  }
  get target() {
    return this.#target;
  }
}

let wait; // for what a timer would do

function page(t) {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (act) => {
    wait = act;
  };
  t.after(() => Object.assign(globalThis, { setTimeout }));
  const root = new EventTarget();
  globalThis.addEventListener = (name, listener) => root.addEventListener(name, listener);
  sendOnce(root);
  return {
    isSent: (form) => root.dispatchEvent(new Happening("submit", form)),
    type: (form) => root.dispatchEvent(new Happening("input", { form })),
    comesBack: () => root.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true })),
  };
}

test("a second click is not sent, but another form is", (t) => {
  const [{ isSent }, form] = [page(t), new Form()];
  assert.deepEqual([isSent(form), isSent(form), isSent(new Form())], [true, false, true]);
});

test("it is sent again when the page is still there, is brought back, or says something else", (t) => {
  const [{ isSent, type, comesBack }, form] = [page(t), new Form()];
  for (const later of [() => wait(), comesBack, () => type(form)]) {
    assert.equal(isSent(form), true);
    assert.equal(isSent(form), false);
    later();
  }
  assert.equal(isSent(form), true);
});

test("forms that scripts answer, and searches, may be sent as often as one likes", (t) => {
  const [{ isSent }, form] = [page(t), Object.assign(new Form(), { method: "get" })];
  assert.deepEqual([isSent(form), isSent(form)], [true, true]);
});
