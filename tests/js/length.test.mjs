import assert from "node:assert/strict";
import { test } from "node:test";
import { lengthOf as measure, showsNothing } from "../../static/js/chat/length.js";

const LIMIT = 4_000;
const lengthOf = (words) => measure(words, LIMIT);

test("a character counts once, however many code units it has", () => {
  assert.equal(lengthOf("中".repeat(1_500) + "😀".repeat(1_500)), 3_000);
  assert.equal(lengthOf("e\u0301"), 1);
  assert.equal(lengthOf(" \n a b\n"), 3);
  assert.equal(lengthOf(""), 0);
});

test("each part of an emoji counts, as the server counts them", () => {
  assert.equal(lengthOf("👩‍👧"), 3);
});

test("a text of more than four times the limit is counted as it is typed, and not normalized", (context) => {
  const normalize = context.mock.method(String.prototype, "normalize");
  assert.equal(lengthOf("e\u0301".repeat(2 * LIMIT)), 2 * LIMIT);
  assert.equal(normalize.mock.callCount(), 1);
  assert.equal(lengthOf("e\u0301".repeat(2 * LIMIT + 1)), 4 * LIMIT + 2);
  assert.equal(lengthOf("😀".repeat(4 * LIMIT + 1)), 4 * LIMIT + 1);
  assert.equal(normalize.mock.callCount(), 1);
});

test("joiners, fillers and blanks alone show nothing, but beside something they may stand", () => {
  for (
    const words of [
      "",
      " \n",
      "\u200b",
      "\ufeff\u200d",
      "\u3164",
      "\u2800",
      "\u{e0001}",
      "\u{1d159}",
    ]
  ) {
    assert.equal(showsNothing(words), true, JSON.stringify(words));
  }
  for (const words of ["\u{13430}\u{1343f}", "\u{16fe4} "]) assert.ok(showsNothing(words));
  for (const words of ["中", "👩‍👧", "❤️", ".", "\u200bx"]) assert.equal(showsNothing(words), false);
});
