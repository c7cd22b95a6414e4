import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Unreachable } from "../../static/js/api.js";
import { Incoming } from "../../static/js/chat/incoming.js";
import { Pages } from "../../static/js/chat/pages.js";
import { ReadMark } from "../../static/js/chat/read_mark.js";

const message = (id) => ({ id, with: "anna", sender: "anna", text: `text ${id}` });
const settled = () => new Promise((resolve) => setTimeout(resolve));

let asked; // {path, answer, refuse}
let shown;
let told;
let announced;
let pages;

beforeEach(() => {
  asked = [];
  shown = [10];
  told = [];
  announced = [];
  document.visibilityState = "visible";
  const box = Object.assign(new EventTarget(), { parentElement: {} });
  Object.defineProperty(box, "textContent", { set: (words) => announced.push(words) });
  document.getElementById = () => box;
  const element = {
    dataset: { with: "anna", more: "false", newer: "false", lastRead: "10" },
    querySelector: () => ({ textContent: "Anna" }),
  };
  const api = {
    conversation: (username) => `conversations/${username}/`,
    get: (path) => new Promise((answer, refuse) => asked.push({ path, answer, refuse })),
  };
  const thread = {
    order: {
      get oldestId() {
        return shown[0];
      },
      get newestId() {
        return shown.at(-1);
      },
      has: (id) => shown.includes(id),
    },
    place: { isAtEnd: true, keep: (_element, move) => move() },
    put: ({ id }) => shown.push(id),
    putOlder: (messages) => {
      shown.unshift(...messages.map(({ id }) => id));
    },
    replace: (messages) => {
      shown = messages.map(({ id }) => id);
    },
  };
  const store = { get: () => ({ unread: 1 }), markRead: () => {} };
  const feed = { tell: (frame) => told.push(frame) };
  pages = new Pages(element, {
    api,
    thread,
    receive: (each) => incoming.take(each),
    atEnd: () => told.push("end"),
    grown: () => told.push("grown"),
  });
  const readMark = new ReadMark(element, { api, feed, store, thread, pages });
  const others = { outbox: { arrived() {} }, typing: { hide() {} }, menu: {} };
  const incoming = new Incoming(element, { ...others, thread, pages, readMark });
  pages.connect();
});

test("what was missed is shown, announced and read, page by page", async () => {
  pages.catchUp();
  asked[0].answer({ messages: [message(11)], more: true });
  await settled();
  assert.match(asked[1].path, /conversations\/anna\/messages\/\?after=11&/);
  asked[1].answer({ messages: [message(12)], more: false });
  await settled();
  assert.deepEqual(shown, [10, 11, 12]);
  assert.deepEqual(announced, ["Annacolontext 11", "Annacolontext 12"]);
  assert.deepEqual(told.at(-1), { type: "read", with: "anna", up_to: 12 });
});

test("an answer that comes when the reader has left shows, says and reads nothing", async () => {
  pages.catchUp();
  pages.disconnect();
  asked[0].answer({ messages: [message(11)], more: true });
  await settled();
  assert.deepEqual([shown, announced, told, asked.length], [[10], [], [], 1]);
});

test("a server that cannot be reached is asked again, for the same page", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const microtasks = async () => {
    for (let turn = 0; turn < 20; turn += 1) await null;
  };
  pages.catchUp();
  asked[0].refuse(new Unreachable("closed"));
  await microtasks();
  assert.equal(asked.length, 1);
  context.mock.timers.tick(5_000);
  await microtasks();
  assert.equal(asked[1].path, asked[0].path);
  asked[1].answer({ messages: [message(11)], more: false });
  await microtasks();
  assert.deepEqual(shown, [10, 11]);
});

test("a jump holds the messages around a place, whatever was under way", async () => {
  pages.jump(2);
  asked[0].answer({ messages: [message(3), message(4)], more: true });
  await settled();
  assert.match(asked[0].path, /\?after=2&/);
  assert.match(asked[1].path, /\?before=3&/);
  asked[1].answer({ messages: [message(1), message(2)], more: false });
  await settled();
  assert.deepEqual([shown, pages.hasNewer, pages.hasOlder], [[1, 2, 3, 4], true, false]);
  assert.deepEqual(told, ["grown", "grown"]);
});

test("a jump that reaches the end asks for what came meanwhile", async () => {
  pages.jump(8);
  asked[0].answer({ messages: [message(9)], more: false });
  await settled();
  assert.match(asked[1].path, /\?after=9&/);
  asked[1].answer({ messages: [message(10)], more: false });
  await settled();
  assert.deepEqual([shown.slice(0, 2), pages.hasNewer, told[0]], [[9, 10], false, "end"]);
});

test("two loads never mix: a jump waits for the page that is under way", async () => {
  pages.jump(2);
  pages.jump(4);
  await settled();
  assert.equal(asked.length, 1);
});
