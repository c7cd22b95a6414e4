import assert from "node:assert/strict";
import { test } from "node:test";

import { isSecondOfTwo, usesKeys } from "../../static/js/page/press.js";

function press(x, y, time, isOver = false) {
  const event = new Event("pointerdown");
  Object.defineProperties(event, {
    target: { value: { closest: () => isOver ? {} : null } },
    clientX: { value: x },
    clientY: { value: y },
    timeStamp: { value: time },
  });
  dispatchEvent(event);
}

/** Whether a click at this time, in ms, belongs to the press before it. */
const isSecondAt = (timeStamp) => isSecondOfTwo({ detail: 1, timeStamp });

test("the first click is one of its own", () => {
  assert.equal(isSecondAt(900), false);
  press(10, 10, 1_000);
  assert.equal(isSecondAt(1_080), false);
});

test("a click soon after another, at the same place, belongs to it", () => {
  press(100, 100, 5_000);
  press(103, 98, 5_300);
  assert.equal(isSecondAt(5_380), true);
});

test("a click without a press, as assistive technology makes, belongs to none that is long over", () => {
  press(100, 100, 7_000);
  press(100, 100, 7_200);
  assert.equal(isSecondAt(60_000), false);
});

test("a click elsewhere, or later, is one of its own", () => {
  press(100, 100, 10_000);
  press(140, 100, 10_200);
  assert.equal(isSecondAt(10_280), false);
  press(140, 100, 11_000);
  assert.equal(isSecondAt(11_080), false);
});

test("the browser's own count is believed, and keys never click twice", () => {
  press(100, 100, 20_000);
  assert.equal(isSecondOfTwo({ detail: 2 }), true);
  press(100, 100, 20_100);
  assert.equal(isSecondOfTwo({ detail: 0 }), false);
});

test("keys are in use from a key until a pointer", () => {
  dispatchEvent(new Event("keydown"));
  assert.equal(usesKeys(), true);
  press(1, 1, 30_000);
  assert.equal(usesKeys(), false);
});

/** Whether this press may select what it is on. */
function maySelect(...where) {
  press(...where);
  const event = new Event("mousedown", { cancelable: true });
  dispatchEvent(event);
  return !event.defaultPrevented;
}

test("the rest of a double click on a menu or a dialog selects nothing below it", () => {
  assert.equal(maySelect(100, 100, 30_000, true), true);
  assert.equal(maySelect(100, 100, 30_200), false);
  assert.equal(maySelect(101, 100, 30_400), false);
  assert.equal(maySelect(200, 100, 30_500), true);
});

test("a double click selects a word, on a page and in a dialog", () => {
  for (const isOver of [false, true]) {
    assert.equal(maySelect(100, 100, 40_000, isOver), true);
    assert.equal(maySelect(100, 100, 40_200, isOver), true);
  }
  assert.equal(maySelect(100, 100, 41_000), true);
});
