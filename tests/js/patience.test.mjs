import assert from "node:assert/strict";
import { test } from "node:test";
import { within } from "../../static/js/page/patience.js";

test("what answers in time is answered, and leaves no timer behind", async () => {
  assert.equal(await within(1_000, () => Promise.resolve(7)), 7);
  await assert.rejects(within(1_000, () => Promise.reject(new TypeError("gone"))), TypeError);
});

test("what never answers is stopped", async () => {
  const never = (signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  await assert.rejects(within(5, never), { name: "AbortError" });
});
