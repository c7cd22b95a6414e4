import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../static/js/page/clock.js";

const MINUTE = 60_000;

/** A clock of a server in Shanghai, at a moment that is not this machine's. */
const clockAt = (now) => new Clock({ dataset: { timeZone: "Asia/Shanghai", now } });
const NOON = "2026-03-01T12:00:30+08:00";
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
const listed = (iso) => clockAt(NOON).listed(iso); // on a Sunday

test("it goes by the server's clock", () => {
  assert.ok(Math.abs(clockAt(NOON).now() - Date.parse(NOON)) < MINUTE / 10);
  assert.equal(clockAt(NOON).minute(), "2026-03-01 12:00");
});

test("a clock of this machine that is set back changes nothing", (context) => {
  const clock = clockAt(NOON);
  const now = Date.now;
  context.mock.method(Date, "now", () => now() - 10 * MINUTE);
  assert.equal(clock.minute(), "2026-03-01 12:00");
  assert.equal(clock.listed("2026-03-01T12:00:10+08:00"), "12:00");
});

test("it is set by each hello of the server", () => {
  const clock = clockAt(NOON);
  clock.start();
  tell("feed:hello", { now: "2026-03-01T12:20:30+08:00" });
  assert.equal(clock.minute(), "2026-03-01 12:20");
  tell("feed:hello", {});
  assert.equal(clock.minute(), "2026-03-01 12:20");
});

test("an answer over HTTP sets it where it is wrong by more than such an answer can say", () => {
  const clock = clockAt(NOON);
  clock.start();
  tell("api:answered", { date: "Sun, 01 Mar 2026 04:00:29 GMT" });
  assert.ok(clock.now() >= Date.parse(NOON));
  tell("api:answered", { date: null });
  tell("api:answered", { date: "Sun, 01 Mar 2026 05:30:00 GMT" });
  assert.equal(clock.minute(), "2026-03-01 13:30");
});

test("without the server's time it goes by this machine's", () => {
  const clock = new Clock({ dataset: {} });
  assert.ok(Math.abs(clock.now() - Date.now()) < MINUTE / 10);
});

test("a zone that the browser does not know leaves it the browser's", () => {
  const clock = new Clock({ dataset: { timeZone: "localtime", now: NOON } });
  assert.match(clock.minute(), /^2026-0[23]-\d\d \d\d:\d\d$/);
});

test("the form of a locale's dates is the browser's own matter", (context) => {
  const other = () => () => "3/1/2026, noon";
  context.mock.getter(Intl.DateTimeFormat.prototype, "format", other);
  assert.equal(clockAt(NOON).minute(), "2026-03-01 12:00");
  assert.equal(listed("2025-12-31T08:00:00+08:00"), "2025-12-31");
  assert.equal(listed("2026-02-28T17:30:00Z"), "01:30");
});

test("a day begins at 00:00", () => {
  assert.equal(clockAt("2026-03-01T00:00:00+08:00").minute(), "2026-03-01 00:00");
});

test("today the time of the day, in the server's zone", () => {
  assert.equal(listed("2026-03-01T12:00:10+08:00"), "12:00");
  assert.equal(listed("2026-03-01T00:05:00+08:00"), "00:05");
  assert.equal(listed("2026-02-28T17:30:00Z"), "01:30");
});

test("then yesterday, also over the end of a month", () => {
  assert.equal(listed("2026-02-28T23:59:00+08:00"), "yesterday");
});

test("then the weekday, as long as it means one day only", () => {
  assert.equal(listed("2026-02-27T23:59:00+08:00"), "weekday_4");
  assert.equal(listed("2026-02-23T00:00:00+08:00"), "weekday_0");
  assert.equal(listed("2026-02-22T23:59:00+08:00"), "02-22");
});

test("then the date, with the year where it is another", () => {
  assert.equal(listed("2026-01-02T08:00:00+08:00"), "01-02");
  assert.equal(listed("2025-12-31T08:00:00+08:00"), "2025-12-31");
});

test("a day to come is a date", () => {
  assert.equal(listed("2026-03-02T00:05:00+08:00"), "03-02");
});

test("nothing is said of no time", () => {
  assert.equal(listed(""), "");
  assert.equal(listed(null), "");
});

test("in a zone that the browser does not know it goes by the browser's own", () => {
  for (const timeZone of ["localtime", "posix/Asia/Shanghai", "Europe/Not_Yet", ""]) {
    const clock = new Clock({ dataset: { timeZone, now: NOON } });
    const own = new Clock({ dataset: { now: NOON } });
    assert.equal(clock.minute(), own.minute());
    assert.equal(clock.listed("2026-02-27T12:00:00Z"), own.listed("2026-02-27T12:00:00Z"));
  }
});
