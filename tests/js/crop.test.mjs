import assert from "node:assert/strict";
import { test } from "node:test";
import { boxOf, LARGEST, largest, moved, zoomed } from "../../static/js/files/crop.js";

const WIDE = largest({ width: 400, height: 200 });
const TALL = largest({ width: 200, height: 400 });

test("it begins with the largest square in the middle", () => {
  assert.deepEqual(boxOf(WIDE), { left: 100, top: 0, side: 200 });
  assert.deepEqual(boxOf(TALL), { left: 0, top: 100, side: 200 });
});

test("it moves as far as the picture goes", () => {
  assert.deepEqual(boxOf(moved(WIDE, 0.25, 0.25)), { left: 150, top: 0, side: 200 });
  assert.deepEqual(boxOf(moved(WIDE, 9, 9)), { left: 200, top: 0, side: 200 });
  assert.deepEqual(boxOf(moved(TALL, -9, -9)), { left: 0, top: 0, side: 200 });
});

test("a larger picture is a smaller square around the same middle", () => {
  assert.deepEqual(boxOf(zoomed(WIDE, 2)), { left: 150, top: 50, side: 100 });
});

test("what is at the point of the zoom stays there", () => {
  // At its left edge, half way down.
  assert.deepEqual(boxOf(zoomed(WIDE, 2, -0.5, 0)), { left: 100, top: 50, side: 100 });
  const there = zoomed(zoomed(WIDE, 2, -0.5, 0), 4, 0.5, 0.5);
  assert.deepEqual(boxOf(there), { left: 150, top: 100, side: 50 });
});

test("it is never larger than the picture, nor too small to be seen", () => {
  assert.deepEqual(boxOf(zoomed(WIDE, 0.1)), boxOf(WIDE));
  assert.equal(boxOf(zoomed(WIDE, 99)).side, 200 / LARGEST);
});

test("out of a corner, it comes back into the picture", () => {
  const corner = moved(zoomed(WIDE, 4), 9, 9);
  assert.deepEqual(boxOf(corner), { left: 350, top: 150, side: 50 });
  assert.deepEqual(boxOf(zoomed(corner, 1)), { left: 200, top: 0, side: 200 });
});
