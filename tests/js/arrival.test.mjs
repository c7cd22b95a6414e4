import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Arrival } from "../../static/js/chat/arrival.js";
import { recall, remember } from "../../static/js/page/memory.js";

const VIEW = 600; // px, the height of a thread 100 px below the top of the window
const NOTED = 400; // ms, after which a place is noted

/** A thread of messages 100 px high, laid out from its end until it is settled. */
function makePage({ ids, at = "", scrolled = 0 }) {
  const height = ids.length * 100;
  const classes = new Set();
  const scroller = {
    scrollTop: -scrolled,
    scrollHeight: height,
    clientHeight: VIEW,
    classList: { add: (name) => classes.add(name) },
    getBoundingClientRect: () => ({ top: 100 }),
  };
  const fromTop = () =>
    classes.has("settled") ? scroller.scrollTop : height - VIEW + scroller.scrollTop;
  const all = ids.map((id, index) => ({
    dataset: { id: String(id) },
    getBoundingClientRect: () => ({ top: 100 + index * 100 - fromTop() }),
  }));
  const calls = [];
  const place = { isAtEnd: false, stay: () => calls.push("stay") };
  const thread = { place, order: { all }, scrollTo: (id) => calls.push(id) };
  document.getElementById = (name) =>
    name === "thread" ? scroller : all.find(({ dataset }) => `m${dataset.id}` === name) ?? null;
  const pages = { hasNewer: false };
  const readdress = (url) => (location.href = url);
  const element = { dataset: { with: "bob", at: String(at) } };
  const arrival = new Arrival(element, { thread, pages, readdress });
  const open = () => {
    arrival.connect();
    scroller.scrollTop = height - VIEW; // as the place does, which goes to the end
    arrival.arrive();
  };
  return { arrival, scroller, place, pages, calls, classes, open };
}

globalThis.location = { href: "http://chat.test/chat/bob/" };
const ids = Array.from({ length: 30 }, (_, index) => index + 1);
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(() => {
  remember("place:bob", null);
  location.href = "http://chat.test/chat/bob/";
});

test("it opens at the end", () => {
  const { scroller, classes, calls, open } = makePage({ ids });
  open();
  assert.equal(scroller.scrollTop, 2_400);
  assert.ok(classes.has("settled"));
  assert.deepEqual(calls, []);
});

test("a reader who has scrolled before the scripts came stays there", () => {
  const { scroller, calls, open } = makePage({ ids, scrolled: 900 });
  open();
  assert.equal(scroller.scrollTop, 1_500);
  assert.deepEqual(calls, ["stay"]);
});

test("it opens at a message that was asked for", () => {
  const { calls, open } = makePage({ ids, at: 7 });
  open();
  assert.deepEqual(calls, [7]);
});

test("it opens where its reader left it, to the pixel", () => {
  remember("place:bob", { id: "7", top: 23 });
  const { scroller, calls, open } = makePage({ ids, at: 7 });
  open();
  assert.equal(scroller.scrollTop, 577);
  assert.deepEqual(calls, ["stay"]);
});

test("a place that the browser has found already is only made exact", () => {
  remember("place:bob", { id: "7", top: 23 });
  const { scroller, open } = makePage({ ids, at: 7, scrolled: 1_800 });
  open();
  assert.equal(scroller.scrollTop, 577);
});

test("a reader who has gone on from there since is left alone", () => {
  remember("place:bob", { id: "7", top: 23 });
  const { scroller, open } = makePage({ ids, at: 7, scrolled: 1_000 });
  open();
  assert.equal(scroller.scrollTop, 1_400);
});

test("a place is noted in the address and in the memory, and forgotten at the end", async () => {
  const { arrival, scroller, place, pages, open } = makePage({ ids });
  open();
  arrival.note();
  await later(NOTED);
  assert.equal(recall("place:bob"), null); // nobody has scrolled
  scroller.scrollTop = 1_240;
  arrival.note();
  await later(NOTED);
  assert.deepEqual(recall("place:bob"), { id: "14", top: 60 });
  assert.equal(location.href, "http://chat.test/chat/bob/?at=14#m14");
  place.isAtEnd = true;
  pages.hasNewer = true; // the end of what is loaded is not the end
  scroller.scrollTop = 2_390;
  arrival.note();
  await later(NOTED);
  assert.equal(recall("place:bob").id, "25");
  pages.hasNewer = false;
  arrival.note();
  await later(NOTED);
  assert.equal(recall("place:bob"), null);
  assert.equal(location.href, "http://chat.test/chat/bob/");
});

test("a reader who has left by then leaves nothing in another address", async () => {
  const { arrival, scroller, open } = makePage({ ids });
  open();
  scroller.scrollTop = 1_240;
  arrival.note();
  arrival.disconnect();
  await later(NOTED);
  assert.equal(location.href, "http://chat.test/chat/bob/");
});
