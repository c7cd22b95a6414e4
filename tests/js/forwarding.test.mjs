import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

const box = { textContent: "", hidden: true };
document.getElementById = (id) => (id === "toast" ? box : null);

const { followLetters } = await import("../../static/js/chat/forwarding.js");
const { canForward } = await import("../../static/js/chat/message.js");
const { setTimeout: later } = globalThis;
globalThis.setTimeout = (...args) => later(...args).unref();

let letters;
const outbox = {
  isWaiting: (id) => letters.some((each) => each.clientId === id && !each.done && !each.refused),
};
const names = { bob: "小博" };

function tell(what, clientId, reason) {
  document.dispatchEvent(new CustomEvent(`outbox:${what}`, { detail: { clientId, reason } }));
}

function send(clientId) {
  letters.find((each) => each.clientId === clientId).done = true;
  tell("sent", clientId);
}

function refuse(clientId, reason = "no") {
  letters.find((each) => each.clientId === clientId).refused = reason;
  tell("failed", clientId, reason);
}

beforeEach(() => {
  letters = [{ clientId: "1", to: "bob" }, { clientId: "2", to: "bob" }, {
    clientId: "3",
    to: "carol",
  }];
  box.textContent = "";
  followLetters(letters, outbox, (username) => names[username] ?? username);
});

afterEach(() => {
  for (const { clientId } of letters) send(clientId);
});

test("only what is there can be forwarded", () => {
  assert.equal(canForward({ state: "sent" }), true);
  for (const state of ["recalled", "removed", "pending", "failed"]) {
    assert.equal(canForward({ state }), false);
  }
});

test("it is said once all have arrived, and not before", () => {
  send("1");
  send("3");
  tell("failed", "of somebody else", null);
  assert.equal(box.textContent, "");
  send("2");
  assert.equal(box.textContent, "forwarded");
  box.textContent = "";
  tell("sent", "2");
  assert.equal(box.textContent, "");
});

test("who did not receive it is named once, however many messages it was", () => {
  refuse("1");
  refuse("2");
  assert.equal(box.textContent, "");
  send("3");
  assert.equal(box.textContent, "forward_missed");
});

test("without a network it is said at once, and the end when it is back", () => {
  tell("failed", "1", null);
  assert.equal(box.textContent, "forward_later");
  box.textContent = "";
  tell("failed", "3", null);
  assert.equal(box.textContent, "");
  for (const { clientId } of letters) send(clientId);
  assert.equal(box.textContent, "forwarded");
});

test("to be held up by the rate is not to be without a network", () => {
  tell("failed", "1", "Too fast. Please wait 5 seconds.");
  assert.equal(box.textContent, "");
});

test("a letter that is discarded is no longer waited for, and nothing is said of it", () => {
  send("1");
  refuse("2");
  const gone = letters.pop();
  tell("discarded", gone.clientId);
  assert.equal(box.textContent, "forward_missed");
});

test("where all were discarded nothing is said", () => {
  while (letters.length) tell("discarded", letters.shift().clientId);
  assert.equal(box.textContent, "");
});
