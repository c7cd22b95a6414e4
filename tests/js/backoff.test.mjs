import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../static/js/live/backoff.js";

test("pauses grow from half a second to half a minute, and no further", () => {
  const backoff = new Backoff();
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const ceiling = Math.min(30_000, 500 * 2 ** attempt);
    const pause = backoff.next();
    assert.ok(pause >= ceiling / 2 && pause <= ceiling, `${attempt}: ${pause}`);
  }
});

test("a success begins again with the shortest", () => {
  const backoff = new Backoff();
  for (let attempt = 0; attempt < 9; attempt += 1) backoff.next();
  backoff.reset();
  assert.ok(backoff.next() <= 500);
});

test("a class does not come back all at once", () => {
  const pauses = Array.from({ length: 50 }, () => new Backoff().next());
  assert.ok(new Set(pauses).size > 40);
});

test("many come back at any moment of the time that they should take", () => {
  const pauses = Array.from({ length: 300 }, () => new Backoff().next(3_000));
  assert.ok(pauses.every((pause) => pause >= 250 && pause <= 3_000));
  const late = pauses.filter((pause) => pause > 1_600).length;
  assert.ok(late > 90 && late < 210, `${late} of 300 in the second half`);
});

test("a time that is shorter than the own pause, or absurd, changes nothing", () => {
  assert.ok(new Backoff().next(100) <= 500);
  assert.ok(new Backoff().next(1e9) <= 30_000);
});
