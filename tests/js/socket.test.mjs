import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Unreachable } from "../../static/js/api.js";
import { Feed } from "../../static/js/live/feed.js";

const MINUTE = 60_000;

let sockets;
let banner;
let time; // by the steady clock
let beat; // what the heartbeat of the present socket does

class WebSocket extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  readyState = WebSocket.OPEN;
  sent = [];
  constructor() {
    super();
    sockets.push(this);
  }
  send(frame) {
    this.sent.push(JSON.parse(frame));
  }
  hear(frame) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }
  close() {
    this.isClosed = true;
  }
}

beforeEach((context) => {
  sockets = [];
  time = 0;
  banner = { hidden: true };
  globalThis.WebSocket = WebSocket;
  globalThis.location = { href: "http://chat.test/", reload() {} };
  document.getElementById = () => banner;
  document.visibilityState = "visible";
  context.mock.timers.enable({ apis: ["setTimeout"] });
  context.mock.method(globalThis, "setInterval", (act) => (beat = act));
  context.mock.method(globalThis, "clearInterval", () => (beat = () => {}));
  context.mock.method(performance, "now", () => time);
});

function connected() {
  const feed = new Feed({ base: "/", userId: "1", get: () => new Promise(() => {}) }, 0);
  feed.open();
  feed.start();
  sockets[0].hear({ type: "hello", last_event: 0, now: "2026-03-01T12:00:00Z" });
  sockets[0].hear({ type: "caught_up" });
  return feed;
}

/** Let time pass until the next beat of a page that gets one now and then. */
function pass(context, milliseconds) {
  time += milliseconds;
  context.mock.timers.tick(milliseconds);
  beat();
}

test("a tab in the background keeps a connection whose pings are answered", (context) => {
  connected();
  for (let minute = 0; minute < 30; minute += 1) {
    pass(context, MINUTE);
    if (sockets[0].sent.length) sockets[0].hear({ type: "pong" });
  }
  assert.equal(sockets.length, 1);
  assert.equal(sockets[0].isClosed, undefined);
  assert.ok(sockets[0].sent.length >= 15);
  assert.equal(banner.hidden, true);
});

test("a page that slept over an answer asks whether the connection lives, and waits for it", (context) => {
  connected();
  pass(context, 21_000);
  pass(context, 60 * MINUTE);
  assert.deepEqual(sockets[0].sent, [{ type: "ping" }]);
  sockets[0].hear({ type: "pong" });
  pass(context, 5_000);
  assert.equal(sockets[0].isClosed, undefined);
});

test("a ping without an answer is the end of a connection, whatever the computer's clock says", (context) => {
  connected();
  const now = Date.now;
  context.mock.method(Date, "now", () => now() - 10 * MINUTE);
  for (let second = 5; second <= 35; second += 5) pass(context, 5_000);
  assert.equal(sockets[0].isClosed, true);
  context.mock.timers.tick(3_000);
  assert.deepEqual([banner.hidden, banner.textContent], [false, "reconnecting"]);
  assert.equal(sockets.length, 2);
});

test("a reader who looks at the page again does not wait for beats", (context) => {
  connected();
  document.dispatchEvent(new Event("visibilitychange"));
  document.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(sockets[0].sent, [{ type: "ping" }]);
  context.mock.timers.tick(3_000);
  assert.equal(sockets[0].isClosed, true);
});

test("a living connection survives that look", (context) => {
  connected();
  document.dispatchEvent(new Event("visibilitychange"));
  sockets[0].hear({ type: "pong" });
  context.mock.timers.tick(2_900);
  document.dispatchEvent(new Event("visibilitychange"));
  context.mock.timers.tick(200);
  assert.equal(sockets[0].isClosed, undefined);
});

test("the browser's word that there is no network is said at once, and goes with any sign of life", () => {
  connected();
  Object.defineProperty(globalThis, "navigator", {
    value: { onLine: false },
    configurable: true,
  });
  dispatchEvent(new Event("offline"));
  delete globalThis.navigator;
  assert.deepEqual([banner.hidden, banner.textContent], [false, "no_network"]);
  assert.deepEqual(sockets[0].sent, [{ type: "ping" }]);
  sockets[0].hear({ type: "pong" });
  assert.equal(banner.hidden, true);
});

test("a network that is back is tried at once, in a tab in the background, too", (context) => {
  connected();
  document.visibilityState = "hidden";
  banner.hidden = false;
  for (let second = 5; second <= 35; second += 5) pass(context, 5_000);
  const before = sockets.length;
  sockets[before - 1].dispatchEvent(new Event("close"));
  dispatchEvent(new Event("online"));
  assert.ok(sockets.length > before);
});

test("those who share a switch come back within the time that the server names", (context) => {
  connected();
  const hello = { type: "hello", last_event: 0, now: "2026-03-01T12:00:00Z" };
  sockets[0].hear({ ...hello, spread: 5.7 });
  // As after a minute without a network: the next try by itself is far away.
  context.mock.method(Math, "random", () => 0.999);
  for (let failures = 0; failures < 9; failures += 1) {
    sockets.at(-1).dispatchEvent(new Event("close"));
    if (failures < 8) context.mock.timers.tick(30_000);
  }
  const before = sockets.length;
  context.mock.method(Math, "random", () => 0.5);
  dispatchEvent(new Event("online"));
  context.mock.timers.tick(2_800);
  assert.equal(sockets.length, before);
  context.mock.timers.tick(100);
  assert.equal(sockets.length, before + 1);
});

test("a check asks, and knows at the next whether there was an answer", () => {
  const feed = connected();
  assert.deepEqual([feed.check(), feed.check()], [true, false]);
  sockets[0].hear({ type: "typing", from: "bob" });
  assert.equal(feed.check(), true);
});

test("a request of a connection that is given up has failed", async (context) => {
  const feed = connected();
  const answer = feed.request({ type: "send", client_id: "1" });
  for (let second = 5; second <= 40; second += 5) pass(context, 5_000);
  await assert.rejects(answer, Unreachable);
});

test("whether a session has ended is asked until somebody answers", async (context) => {
  connected();
  const feed = new Feed({
    base: "/",
    userId: "1",
    get: () => Promise.reject(new Unreachable("gone")),
  }, 0);
  await feed.checkSession();
  const before = sockets.length;
  context.mock.timers.tick(5_000);
  assert.equal(sockets.length, before + 1);
});

test("a look at a connection that has closed is none at the next one", (context) => {
  const feed = connected();
  document.dispatchEvent(new Event("visibilitychange")); // asks, and waits for 3 s
  context.mock.timers.tick(500);
  sockets[0].dispatchEvent(new Event("close"));
  context.mock.timers.tick(1_500);
  sockets[1].hear({ type: "caught_up" });
  feed.check(); // asks, and has no answer yet
  context.mock.timers.tick(1_400);
  assert.equal(sockets[1].isClosed, undefined);
});

/** A feed that polls, since sockets fail; `get` answers its questions. */
async function polling(context, get) {
  const feed = new Feed({ base: "/", userId: "1", get }, 0);
  feed.open();
  feed.start();
  for (let failure = 0; failure < 3; failure += 1) {
    sockets[sockets.length - 1].dispatchEvent(new Event("close"));
    if (failure < 2) context.mock.timers.tick(30_000);
  }
  for (let turn = 0; turn < 9; turn += 1) await null;
  return feed;
}

test("where polling works the server is there, however slow one letter is", async (context) => {
  const feed = await polling(context, () => Promise.resolve({ events: [], last_event: 1 }));
  for (let second = 0; second < 20; second += 2) {
    assert.equal(feed.check(), true);
    assert.equal(feed.isInTrouble, false);
    time += 2_000;
    context.mock.timers.tick(2_000);
    for (let turn = 0; turn < 9; turn += 1) await null;
  }
});

test("polling without an answer is no sign of life after 5 s", async (context) => {
  let answer = () => Promise.resolve({ events: [], last_event: 1 });
  const feed = await polling(context, () => answer());
  answer = () => new Promise(() => {});
  time += 2_000;
  context.mock.timers.tick(2_000);
  assert.equal(feed.check(), true);
  time += 3_000;
  assert.deepEqual([feed.check(), feed.isInTrouble], [false, true]);
});

/** Return when the page opens its next socket, in steps of 50 ms, with the longest random pause. */
function returns(context, code, reason) {
  context.mock.method(Math, "random", () => 0.999);
  const socket = sockets.at(-1);
  const before = sockets.length;
  socket.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  let waited = 0;
  while (sockets.length === before && waited < 60_000) {
    context.mock.timers.tick(50);
    waited += 50;
  }
  return waited;
}

test("after a restart a page comes back within the time that the server names", (context) => {
  connected();
  assert.ok(returns(context, 1012, "") <= 500);
  sockets.at(-1).hear({ type: "hello", last_event: 0, now: "2026-03-01T12:00:00Z" });
  sockets.at(-1).hear({ type: "caught_up" });
  const waited = returns(context, 1012, "spread=2.9");
  assert.ok(waited > 2_500 && waited <= 2_900, `${waited}`);
});

test("a page remembers that time for a server that is killed", (context) => {
  connected();
  const hello = { type: "hello", last_event: 0, now: "2026-03-01T12:00:00Z" };
  sockets[0].hear({ ...hello, spread: 5.7 });
  sockets[0].hear({ type: "caught_up" });
  const waited = returns(context, 1006, "");
  assert.ok(waited > 5_000 && waited <= 5_750, `${waited}`);
  sockets.at(-1).hear(hello);
  sockets.at(-1).hear({ type: "caught_up" });
  assert.ok(returns(context, 1006, "") <= 500, "the next server says nothing");
});

test("a reason that is not understood is none", (context) => {
  connected();
  for (const reason of ["spread=", "spread=1e9", "spread=-5", " spread=9", "bye"]) {
    assert.ok(returns(context, 1012, reason) <= 500, reason);
    sockets.at(-1).hear({ type: "hello", last_event: 0, now: "2026-03-01T12:00:00Z" });
    sockets.at(-1).hear({ type: "caught_up" });
  }
});
