import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Thread } from "../../static/js/chat/thread.js";
import { FileBubbles } from "../../static/js/files/bubbles.js";
import { Element, makePage } from "./elements.mjs";

let list;
let scroller;
let thread;
let pages;
let items;
let bubbles;

/** A message as the page's template has it. */
function makeMessage(dataset = {}, time = "2026-03-01 12:00") {
  const message = new Element("li", "message mine", { id: "", ...dataset });
  const parts = [new Element("div", "bubble"), new Element("a", "quote"), new Element("time")];
  message.append(...parts, new Element("span", "meta"));
  message.querySelector(".meta").append(new Element("span", "state"));
  message.querySelector("time").textContent = time;
  return message;
}

beforeEach(() => {
  globalThis.ResizeObserver = class {
    observe() {}
    disconnect() {}
  };
  const template = new Element("template");
  template.content = new Element();
  template.content.append(makeMessage());
  makePage({ "message-template-mine": template });
  list = document.getElementById("messages");
  scroller = document.getElementById("thread");
  Object.assign(scroller, { scrollTop: 0, scrollHeight: 5_000, clientHeight: 800 });
  thread = new Thread(() => {});
  thread.connect();
  pages = { hasNewer: false };
  items = [];
  const uploads = { itemsTo: () => items };
  const username = () => "bob";
  bubbles = new FileBubbles(uploads, { thread, pages, username, chooseAgain() {} });
  bubbles.connect();
});

afterEach(() => {
  bubbles.disconnect();
  thread.disconnect();
});

const item = (facts = {}) => ({
  clientId: "c",
  time: "2026-03-02 12:00",
  kind: "file",
  view: { kind: "file", name: "a.txt", size: 9, preview: null },
  state: "waiting",
  ...facts,
});
const stored = (id) => makeMessage({ id: String(id), clientId: `of ${id}` });
const sent = () => list.querySelectorAll(".message").map(({ dataset }) => dataset.clientId);

test("a file on its way is shown at the end, and the reader goes there", () => {
  scroller.scrollTop = 0;
  thread.place.stay();
  bubbles.show(item());
  assert.deepEqual([sent(), scroller.scrollTop], [["c"], 5_000]);
});

test("files that are shown once more move no reader who is above the end", () => {
  items = [item()];
  thread.place.stay();
  scroller.scrollTop = 300;
  bubbles.showAll();
  assert.deepEqual([sent(), scroller.scrollTop], [["c"], 300]);
});

test("files that are shown once more stay in view of a reader at the end", () => {
  items = [item()];
  scroller.scrollTop = 300;
  bubbles.showAll();
  assert.equal(scroller.scrollTop, 5_000);
});

test("a file on its way is shown nowhere but at the end of the conversation", () => {
  pages.hasNewer = true;
  items = [item()];
  bubbles.show(items[0]);
  bubbles.showAll();
  assert.deepEqual(sent(), []);
  pages.hasNewer = false;
  bubbles.showAll();
  bubbles.showAll();
  assert.deepEqual(sent(), ["c"]);
});

test("where the end leaves the page, all on its way leaves with it", () => {
  const many = Array.from({ length: 399 }, (_each, number) => stored(number + 10));
  thread.order.append(many);
  for (const clientId of ["one", "two", "three"]) bubbles.show(item({ clientId }));
  assert.equal(sent().length, 402);
  assert.ok(thread.order.trim("lastElementChild"));
  assert.equal(sent().length, 399);
  assert.equal(thread.order.getSent("one"), undefined);
  assert.equal(thread.order.newestId, 408);
});

test("a thread that is not too long keeps what is on its way", () => {
  thread.order.append(Array.from({ length: 397 }, (_each, number) => stored(number + 10)));
  for (const clientId of ["one", "two", "three"]) bubbles.show(item({ clientId }));
  assert.equal(thread.order.trim("lastElementChild"), false);
  assert.equal(sent().length, 400);
});

test("a file that a reload has lost can be chosen again, words that were said cannot", () => {
  bubbles.show(item({ clientId: "file", state: "lost" }));
  const view = { kind: "voice", name: "a.webm", size: 9, duration: 3, preview: null };
  bubbles.show(item({ clientId: "voice", kind: "voice", view, state: "lost" }));
  const offers = (clientId) => {
    const state = thread.order.getSent(clientId).querySelector(".state");
    return state.querySelectorAll("button").map((button) => button.textContent);
  };
  assert.deepEqual(offers("file"), ["choose_again", "discard"]);
  assert.deepEqual(offers("voice"), ["discard"]);
});
