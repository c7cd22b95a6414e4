import assert from "node:assert/strict";
import { test } from "node:test";
import { fill } from "../../static/js/chat/bubble.js";

/** An element that finds any part of itself, and fails at what it is told to. */
function element(broken) {
  const parts = new Map();
  const make = () => ({
    dataset: {},
    classList: { toggle: () => {} },
    setAttribute() {},
    replaceChildren: () => {},
    get parentElement() {
      return make();
    },
    querySelector(what) {
      if (what === broken) throw new Error(`no ${what}`);
      if (!parts.has(what)) parts.set(what, make());
      return parts.get(what);
    },
  });
  return make();
}

const MESSAGE = { id: 7, client_id: "c", sender: "bob", with: "bob", state: "sent", text: "hello" };

test("a text that cannot be dressed still stands there, with its time", (context) => {
  context.mock.method(console, "error", () => {});
  const whole = element();
  const bubble = whole.querySelector(".bubble");
  bubble.replaceChildren = () => {
    throw new Error("too old");
  };
  fill(whole, { ...MESSAGE, time: "2026-03-01 12:00", sent_at: "2026-03-01T04:00:00Z" });
  assert.equal(bubble.textContent, "hello");
  assert.equal(whole.querySelector("time").textContent, "2026-03-01 12:00");
  assert.equal(whole.dataset.id, 7);
  assert.ok(console.error.mock.callCount() > 0);
});

test("a quote that fails leaves the message", (context) => {
  context.mock.method(console, "error", () => {});
  const whole = element(".quote");
  fill(whole, { ...MESSAGE, time: "2026-03-01 12:00" });
  assert.equal(whole.querySelector("time").textContent, "2026-03-01 12:00");
});
