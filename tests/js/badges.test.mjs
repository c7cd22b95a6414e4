import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Badges } from "../../static/js/page/badges.js";
import { Navigator } from "../../static/js/page/navigator.js";

let store;

beforeEach(() => {
  store = { isLoaded: true, unread: 3 };
  const icon = { getAttribute: () => "", setAttribute: () => {} };
  document.title = "Chats";
  document.body.dataset.count = "on";
  document.querySelector = (what) => what.startsWith("meta") ? { content: "none one many" } : icon;
  document.querySelectorAll = () => [];
});

const changed = () => document.dispatchEvent(new CustomEvent("store:changed"));
const started = () => {
  const badges = new Badges(store);
  badges.start();
  return badges;
};

test("the count stands once before the title, and goes with the last unread message", () => {
  started();
  assert.equal(document.title, "(3) Chats");
  store.unread = 4;
  changed();
  assert.equal(document.title, "(4) Chats");
  store.unread = 0;
  changed();
  assert.equal(document.title, "Chats");
});

test("the first page brings no title that holds the count already", () => {
  globalThis.history = {};
  globalThis.location = { href: "http://chat.test/" };
  started();
  let arrived;
  new Navigator({ arrive: (page) => (arrived = page) }).start();
  assert.equal(arrived.title, undefined);
});

test("it moves along to the title of another page", () => {
  const badges = started();
  badges.setTitle("bob");
  assert.equal(document.title, "(3) bob");
});

test("brackets in a name are the name's", () => {
  const badges = started();
  badges.setTitle("(3) of us");
  assert.equal(document.title, "(3) (3) of us");
  store.unread = 0;
  changed();
  assert.equal(document.title, "(3) of us");
});

test("a page has its title before the counts are known", () => {
  store.isLoaded = false;
  started().setTitle("bob");
  assert.equal(document.title, "bob");
});

test("a reader who wants no count in the title sees none", () => {
  document.body.dataset.count = "off";
  started();
  assert.equal(document.title, "Chats");
});

test("a setting shows at once, on whatever page one is by then", () => {
  const badges = started();
  badges.setTitle("bob");
  document.body.dataset.count = "off";
  badges.redraw();
  assert.equal(document.title, "bob");
  document.body.dataset.count = "on";
  badges.redraw();
  assert.equal(document.title, "(3) bob");
});
