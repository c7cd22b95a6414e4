import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatStore } from "../../static/js/chat/store.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const live = (kind, detail) => {
  document.dispatchEvent(new CustomEvent(`live:${kind}`, { detail }));
};
const message = (id) => ({ id, sender: "bob", with: "bob", state: "sent", text: "hello" });
const answer = (lastEvent, unread) => ({
  last_event: lastEvent,
  conversations: [{ with: "bob", remark: "", unread }],
});

/** A page of the chats at an event: one row, of bob. */
function chatsPage(lastEvent, unread) {
  const row = {
    dataset: { username: "bob", remark: "", unread: String(unread), lastId: "0" },
    querySelector: () => ({ textContent: "", getAttribute: () => null }),
  };
  return {
    body: { dataset: { lastEvent: String(lastEvent) } },
    getElementById: () => ({}),
    querySelectorAll: () => [row],
  };
}

test("only events after those that the rows show are counted", () => {
  const store = new ChatStore({});
  store.start();
  store.load(chatsPage(5, 2));
  live("message", { id: 5, message: message(1) });
  assert.equal(store.get("bob").unread, 2);
  live("message", { id: 6, message: message(2) });
  assert.equal(store.get("bob").unread, 3);
});

test("it is told once of all that one frame has changed", async () => {
  const told = [];
  const listening = new AbortController();
  const { signal } = listening;
  document.addEventListener("store:changed", (event) => told.push(event), { signal });
  const store = new ChatStore({});
  store.load(chatsPage(5, 1));
  store.markRead("bob");
  await settled();
  listening.abort();
  assert.equal(told.length, 1);
  assert.equal(store.unread, 0);
});

test("a page without rows asks the server until it answers", async (t) => {
  const timers = [];
  t.mock.method(globalThis, "setTimeout", (again) => timers.push(again));
  const answers = [Promise.reject(new Error("offline")), Promise.resolve(answer(9, 3))];
  const store = new ChatStore({ get: () => answers.shift() });
  store.load({ getElementById: () => null });
  await settled();
  assert.equal(store.isLoaded, false);
  timers.shift()();
  await settled();
  assert.deepEqual([store.isLoaded, store.get("bob").unread], [true, 3]);
});

test("asked again, it does not take rows that have come with another page", async (t) => {
  const timers = [];
  t.mock.method(globalThis, "setTimeout", (again) => timers.push(again));
  const answers = [Promise.reject(new Error("offline")), Promise.resolve(answer(9, 1))];
  const store = new ChatStore({ get: () => answers.shift() });
  store.start();
  // The body still names the event of the first page; the rows are of a later one.
  const page = chatsPage(5, 1);
  const arrived = page.getElementById;
  page.getElementById = () => null;
  store.load(page);
  await settled();
  page.getElementById = arrived;
  timers.shift()();
  await settled();
  live("message", { id: 8, message: message(3) });
  assert.equal(store.get("bob").unread, 1);
});
