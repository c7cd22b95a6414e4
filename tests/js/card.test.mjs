import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(document.body.dataset, { base: "/", userId: "7" });
const { recall, remember } = await import("../../static/js/page/memory.js");

test("a page outside the chat keeps what its owner has not sent, and nothing of others", async () => {
  remember("outbox", [{ text: "not sent yet" }]);
  sessionStorage.setItem("webchat:8:draft:bob", '"of somebody else"');
  await import("../../static/js/card.js?terms");
  assert.deepEqual(recall("outbox"), [{ text: "not sent yet" }]);
  assert.equal(sessionStorage.getItem("webchat:8:draft:bob"), null);
});

test("a page without an owner keeps nothing", async () => {
  remember("draft:bob", "half a page");
  delete document.body.dataset.userId;
  await import("../../static/js/card.js?login");
  assert.deepEqual(Object.keys(sessionStorage), []);
});
