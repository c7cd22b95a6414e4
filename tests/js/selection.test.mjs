import assert from "node:assert/strict";
import { test } from "node:test";
import { Selection, TICKED_AT_MOST } from "../../static/js/chat/selection.js";

function message(id, facts = {}) {
  const time = `2026-03-0${id % 9} 12:11`;
  return { id, name: "bob", time, words: `text ${id}`, state: "sent", ...facts };
}

function selected(...messages) {
  const selection = new Selection();
  for (const each of messages) assert.equal(selection.toggle(each), true);
  return selection;
}

test("a second tick takes the first away", () => {
  const selection = selected(message(1), message(2), message(1));
  assert.deepEqual(selection.ids, [2]);
  assert.deepEqual([selection.has(1), selection.has(2), selection.size], [false, true, 1]);
});

test("they come in the order of the conversation, whatever was ticked first", () => {
  assert.deepEqual(selected(message(9), message(10), message(3)).ids, [3, 9, 10]);
});

test("a hundred can be ticked, and one more in place of another", () => {
  assert.equal(TICKED_AT_MOST, 100);
  const selection = selected(...Array.from({ length: 100 }, (_, index) => message(index + 1)));
  assert.equal(selection.toggle(message(101)), false);
  assert.deepEqual([selection.size, selection.has(101)], [100, false]);
  assert.equal(selection.toggle(message(7)), true);
  assert.equal(selection.toggle(message(101)), true);
  assert.equal(selection.size, 100);
});

test("what has gone meanwhile leaves the selection, once", () => {
  const selection = selected(message(1), message(2));
  assert.deepEqual([selection.drop(1), selection.drop(1), selection.drop(5)], [true, false, false]);
  assert.deepEqual(selection.ids, [2]);
});

test("several are copied below the names of their senders and their times, in order", () => {
  const mine = message(2, { name: "alice", words: "zwei\nZeilen" });
  assert.equal(
    selected(mine, message(1)).copied,
    "bob 2026-03-01 12:11\ntext 1\n\nalice 2026-03-02 12:11\nzwei\nZeilen",
  );
  assert.equal(selected(mine).copied, "zwei\nZeilen");
});

test("a text that is gone is neither copied nor forwarded, but can be deleted", () => {
  const gone = [message(1, { state: "recalled" }), message(2, { state: "removed" })];
  const none = selected(...gone);
  assert.deepEqual([none.canCopy, none.canForward, none.copied], [false, false, ""]);
  assert.deepEqual(none.ids, [1, 2]);
  const some = selected(...gone, message(3));
  assert.deepEqual([some.canCopy, some.canForward, some.copied], [true, true, "text 3"]);
});

test("of a file its line is copied, and it can be forwarded", () => {
  const attachment = { kind: "file", name: "plan.pdf" };
  const file = selected(message(1, { attachment, words: "[File] plan.pdf" }));
  assert.deepEqual([file.canCopy, file.canForward, file.copied], [true, true, "[File] plan.pdf"]);
});
