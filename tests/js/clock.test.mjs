import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../static/js/page/clock.js";

const MINUTE = 60_000;

/** A clock of a server in Shanghai, at a moment that is not this machine's. */
const clockAt = (now) => new Clock({ dataset: { timeZone: "Asia/Shanghai", now } });
const NOON = "2026-03-01T12:00:30+08:00";
const relative = (iso) => clockAt(NOON).relative(iso);

test("it goes by the server's clock", () => {
  assert.ok(Math.abs(clockAt(NOON).now() - Date.parse(NOON)) < MINUTE / 10);
  assert.equal(clockAt(NOON).minute(), "2026-03-01 12:00");
});

test("without the server's time it goes by this machine's", () => {
  const clock = new Clock({ dataset: {} });
  assert.ok(Math.abs(clock.now() - Date.now()) < MINUTE / 10);
});

test("within the hour it says how long ago", () => {
  assert.equal(relative("2026-03-01T12:00:10+08:00"), "just_now");
  assert.equal(relative("2026-03-01T11:59:10+08:00"), "minute_ago");
  assert.equal(relative("2026-03-01T11:20:00+08:00"), "minutes_ago");
});

test("then the time of the day, in the server's zone", () => {
  assert.equal(relative("2026-03-01T00:05:00+08:00"), "00:05");
  assert.equal(relative("2026-02-28T17:30:00Z"), "01:30");
});

test("then yesterday, also over the end of a month", () => {
  assert.equal(relative("2026-02-28T23:59:00+08:00"), "yesterday");
  assert.equal(relative("2026-02-27T23:59:00+08:00"), "02-27");
});

test("then the date, with the year where it is another", () => {
  assert.equal(relative("2026-01-02T08:00:00+08:00"), "01-02");
  assert.equal(relative("2025-12-31T08:00:00+08:00"), "2025-12-31");
});

test("nothing is said of no time", () => {
  assert.equal(relative(""), "");
  assert.equal(relative(null), "");
});
