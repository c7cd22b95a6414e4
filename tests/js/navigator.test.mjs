import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Navigator } from "../../static/js/page/navigator.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

let box; // of the toast
let isHeld; // by a mode of the page
let heard; // event → what the navigator does at it
let answer; // to a request for a page
let begun; // whether each visit leads to the same page
let ended; // the address that each visit has missed
let moved; // what has become of the history
let navigator;
let step; // what a step in the history does

beforeEach(() => {
  box = {
    dataset: {},
    hidden: true,
    setAttribute: () => {},
    removeAttribute: () => {},
    closest: () => box,
  };
  document.querySelectorAll = () => [];
  document.addEventListener = (name, act) => (heard[name] = act);
  [moved, begun, ended, heard, isHeld] = [[], [], [], {}, false];
  document.getElementById = () => box;
  document.body.dataset = { userId: "7", lastEvent: "1" };
  globalThis.location = {
    href: "http://chat.test/chat/bob/",
    assign: (url) => moved.push(["assign", url]),
  };
  globalThis.history = {
    state: { index: 3 },
    pushState: (state, _title, url) => moved.push(["push", url, state.index]),
    replaceState: (_state, _title, url) => {
      moved.push(["replace", url]);
      location.href = new URL(url, location.href).href;
    },
    back: () => moved.push(["back"]),
    go: (step) => moved.push(["go", step]),
  };
  globalThis.addEventListener = (_name, act) => (step = act);
  globalThis.fetch = (_url, { signal }) => answer(signal);
  globalThis.DOMParser = class {
    parseFromString = (words) => ({
      body: { dataset: { userId: words.split(" ")[0] } },
      getElementById: () => words.includes("card") ? null : {},
      querySelectorAll: () => words.includes("done") ? [{ textContent: "It is done." }] : [],
    });
  };
  navigator = new Navigator({
    hold: () => isHeld,
    begin: (isSamePage) => begun.push(isSamePage),
    leave: () => moved.push(["leave"]),
    arrive: () => {},
    settled: (missed) => ended.push(missed),
  });
  navigator.start();
});

const gone = () => Promise.reject(new TypeError("Failed to fetch"));
const page = (status, words, type = "text/html") => () =>
  Promise.resolve({
    status,
    url: "http://chat.test/",
    headers: new Headers({ "Content-Type": type }),
    text: () => Promise.resolve(words),
  });

test("without a network the page stays, and says so", async () => {
  answer = gone;
  await navigator.visit("/");
  assert.deepEqual(moved, []);
  assert.deepEqual([box.hidden, box.textContent], [false, "no_network"]);
});

test("what stands for a server that is away is no page", async () => {
  for (const status of [502, 503, 504]) {
    answer = page(status, "<h1>Bad Gateway</h1>");
    await navigator.visit("/");
  }
  assert.deepEqual(moved, []);
  assert.equal(box.textContent, "no_network");
});

test("a page that breaks off on its way is none", async () => {
  const broken = page(200, "");
  answer = async () => ({ ...(await broken()), text: gone });
  await navigator.visit("/");
  assert.deepEqual(moved, []);
});

test("where the page already says so, nobody waits long for a network that swallows all", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answer = (signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  box.hidden = false;
  const visit = navigator.visit("/");
  context.mock.timers.tick(3_000);
  await visit;
  assert.deepEqual([moved, box.textContent], [[], "no_network"]);
});

test("a step in the history that finds no page is taken back, and nothing follows that", async () => {
  answer = gone;
  const shown = location.href;
  location.href = "http://chat.test/";
  history.state = { index: 2 };
  step();
  await settled();
  assert.deepEqual(moved, [["go", 1]]);
  answer = () => assert.fail("asked for the page that is shown");
  location.href = shown;
  history.state = { index: 3 };
  step();
});

test("a step back that a mode of the page has taken is taken back", async () => {
  isHeld = true;
  answer = () => assert.fail("asked for another page");
  location.href = "http://chat.test/";
  history.state = { index: 2 };
  step();
  await settled();
  assert.deepEqual([moved, begun], [[["go", 1]], []]);
});

test("the page of somebody else is left to the browser", async () => {
  answer = page(200, "8");
  await navigator.visit("/");
  assert.deepEqual(moved, [["assign", "/"]]);
});

test("a form whose answer is no answer keeps its page", async () => {
  await assert.rejects(navigator.show(await page(503, "busy")()));
  assert.deepEqual(moved, []);
});

test("a page outside the chat is left to the browser, also if it is the same person's", async () => {
  answer = page(200, "7 card");
  await navigator.visit("/terms/");
  assert.deepEqual(moved, [["assign", "/terms/"]]);
});

test("a place on the page goes into its address, and a page that had to stay is still the shown one", async () => {
  assert.equal(navigator.readdress("/chat/bob/?at=5#m5"), true);
  const shown = location.href;
  answer = gone;
  location.href = "http://chat.test/";
  history.state = { index: 2 };
  step();
  await settled();
  answer = () => assert.fail("asked for the page that is shown");
  location.href = shown;
  history.state = { index: 3 };
  const before = begun.length;
  step();
  assert.equal(begun.length, before);
  assert.deepEqual(moved, [["replace", "/chat/bob/?at=5#m5"], ["go", 1]]);
});

test("after the browser's Back, the address there stays, whatever the page that is left wants", async () => {
  answer = () => new Promise(() => {});
  location.href = "http://chat.test/chat/carol/";
  history.state = { index: 2 };
  step();
  assert.equal(navigator.readdress("/chat/bob/?at=5"), false);
  await settled();
  assert.deepEqual([moved, location.href], [[], "http://chat.test/chat/carol/"]);
});

test("a page on its way by a click has not moved the browser yet", () => {
  answer = () => new Promise(() => {});
  navigator.visit("/chat/carol/");
  assert.equal(navigator.readdress("/chat/bob/?at=5"), true);
});

/** Go somewhere from an address; the first thing that becomes of the history. */
async function firstMove(from, url) {
  location.href = `http://chat.test${from}`;
  moved = [];
  answer = page(200, "7");
  await navigator.visit(url);
  return moved[0][0];
}

test("another place in the open chat is no step in the history, another chat is one", async () => {
  assert.equal(await firstMove("/chat/bob/?at=5#m5", "/chat/bob/"), "replace");
  assert.equal(await firstMove("/chat/bob/", "/chat/bob/?at=5#m5"), "replace");
  assert.equal(await firstMove("/chat/bob/", "http://chat.test/chat/carol/"), "push");
  assert.equal(await firstMove("/search/?q=a", "/search/?q=b"), "push");
  assert.equal(await firstMove("/search/?q=a", "/search/?q=a#m1"), "replace");
});

/** Click a link in one part of the page; the first thing that becomes of the history. */
async function click(url, part = "#detail") {
  moved = [];
  const { href } = new URL(url, location.href);
  const link = { href, matches: () => false };
  link.closest = (selector) => ["a[data-nav]", part].includes(selector) ? link : null;
  heard.click({ target: link, button: 0, preventDefault: () => {} });
  await settled();
  return moved[0];
}

test("a link to the chat that one came from is a step back, one to a place in it is none", async () => {
  location.href = "http://chat.test/search/?q=tea&with=bob";
  history.state = { index: 4, from: "http://chat.test/chat/bob/?at=9#m9" };
  answer = page(200, "7");
  assert.deepEqual(await click("/chat/bob/"), ["back"]);
  assert.equal((await click("/chat/bob/?at=5#m5"))[0], "push");
  history.state = { index: 4, from: "http://chat.test/search/?q=tea" };
  assert.equal((await click("/search/?q=tea&with=rob"))[0], "push");
});

test("the tab of the shown page ends the visit to another one", async () => {
  let arrive;
  answer = () => new Promise((resolve) => (arrive = resolve));
  await click("/contacts/", "#tabs");
  assert.equal(navigator.address, "http://chat.test/contacts/");
  await click(location.href, "#tabs");
  assert.equal(navigator.address, location.href);
  arrive(await page(200, "7")());
  await settled();
  assert.deepEqual(moved, []);
});

test("the answer to a search takes the place of its form", async () => {
  location.href = "http://chat.test/search/?with=bob";
  answer = page(200, "7");
  const form = { action: "http://chat.test/search/", matches: () => true };
  globalThis.FormData = class {
    *[Symbol.iterator]() {
      yield ["with", "bob"];
      yield ["q", "tea & milk"];
    }
  };
  heard.submit({ target: form, preventDefault: () => {} });
  await settled();
  assert.deepEqual(moved[0], ["replace", "http://chat.test/search/?with=bob&q=tea+%26+milk"]);
});

test("the answer to a form that is asked for too late is said", async () => {
  const form = navigator.show({ ...(await page(200, "7 done")()), redirected: true });
  answer = () => new Promise(() => {});
  navigator.visit("/chat/carol/");
  await form;
  assert.deepEqual([box.hidden, box.textContent], [false, "It is done."]);
});

test("a page that another one has overtaken leaves its notices", async () => {
  answer = page(200, "7 done");
  const late = navigator.visit("/chat/bob/");
  answer = () => new Promise(() => {});
  navigator.visit("/chat/carol/");
  await late;
  assert.equal(box.textContent, "It is done.");
});

test("what lies over the page goes at the start of a visit, and its question has no answer", () => {
  answer = () => new Promise(() => {});
  const answers = [];
  document.querySelectorAll = (selector) =>
    selector === "dialog[open]:not(#pending)" ? [{ close: (words) => answers.push(words) }] : [];
  navigator.visit("/chat/carol/");
  assert.deepEqual([answers, begun.length], [[""], 1]);
  location.href = "http://chat.test/";
  history.state = { index: 2 };
  step();
  assert.deepEqual([answers, begun.length], [["", ""], 2]);
});

test("a mode that takes a step back takes what lies over the page along", () => {
  const answers = [];
  document.querySelectorAll = () => [{ close: (words) => answers.push(words) }];
  isHeld = true;
  location.href = "http://chat.test/";
  history.state = { index: 2 };
  step();
  assert.deepEqual([answers, begun, moved], [[""], [], [["go", 1]]]);
});

test("a visit that another one overtakes is over at once, and missed", () => {
  answer = () => new Promise(() => {});
  navigator.visit("/chat/carol/");
  navigator.visit("/chat/dave/");
  assert.deepEqual(ended, ["http://chat.test/chat/carol/"]);
  navigator.visit("/chat/bob/?at=5#m5");
  assert.deepEqual(begun, [false, false, true]);
});

test("a page focuses its field, but calls up no keyboard on the screen unless something is wrong", async () => {
  let focused;
  const detail = Object.assign(new EventTarget(), {
    attributes: [],
    dataset: {},
    contains: () => false,
    replaceChildren: () => {},
    removeAttribute: () => {},
    setAttribute: () => {},
    focus: () => (focused = "page"),
  });
  document.body.classList = { contains: () => true };
  document.importNode = () => ({ childNodes: [] });
  document.getElementById = (id) => id === "toast" ? box : detail;
  document.querySelector = () => null;
  globalThis.DOMParser = class {
    parseFromString = () => ({
      body: { dataset: { userId: "7" } },
      getElementById: () => ({ attributes: [], dataset: {} }),
      querySelector: () => null,
      querySelectorAll: () => [],
    });
  };
  answer = page(200, "7");
  const arrive = async (isTouch, { isWrong = false, view = "account", value = "" } = {}) => {
    globalThis.matchMedia = () => ({ matches: isTouch });
    const closest = (selector) => selector === ".has-error" && isWrong ? {} : null;
    detail.querySelector = () => ({ closest, value, focus: () => (focused = "field") });
    detail.dataset = { view };
    focused = null;
    await navigator.visit("/account/");
    return focused;
  };
  assert.equal(await arrive(false), "field");
  assert.equal(await arrive(true), "page");
  assert.equal(await arrive(true, { isWrong: true }), "field");
  assert.equal(await arrive(true, { view: "search" }), "field");
  assert.equal(await arrive(true, { view: "search", value: "tea" }), "page");
});
