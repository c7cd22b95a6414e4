import assert from "node:assert/strict";
import { test } from "node:test";

/** The memory of a page of user 1 in the chat below that path. */
function memoryOf(base) {
  Object.assign(document.body.dataset, { base, userId: "1" });
  return import(`../../static/js/page/memory.js?${base}`);
}

test("two chats below paths of one address share nothing, though they share the storage", async () => {
  const [one, other] = [await memoryOf("/"), await memoryOf("/other/")];
  one.remember("draft:bob", "for one");
  assert.equal(other.recall("draft:bob"), null);
  other.remember("draft:bob", "for the other");
  other.forget();
  assert.deepEqual([one.recall("draft:bob"), other.recall("draft:bob")], ["for one", null]);
  one.forgetOthers();
  assert.equal(one.recall("draft:bob"), "for one");
  one.forget();
  assert.equal(sessionStorage.length ?? Object.keys(sessionStorage).length, 0);
});
