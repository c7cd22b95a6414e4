import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Contacts } from "../../static/js/chat/contacts.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A link, or the button of a form, in a list. */
class Control {
  constructor(name, address, isButton = false) {
    Object.assign(this, { name, address, isButton });
    this.form = isButton && Object.assign(new Control("action", address), { button: this });
  }
  closest(selector) {
    return selector === "form" ? this.form || null : null;
  }
  getAttribute(name) {
    return name === this.name ? this.address : null;
  }
  matches(selector) {
    return selector === "form" && Boolean(this.button);
  }
  querySelector() {
    return this.button;
  }
  focus() {
    document.activeElement = this;
  }
}
const link = (address) => new Control("href", address);
const button = (address) => new Control("action", address, true);

class List {
  parentElement = { querySelector: () => null };
  constructor(...controls) {
    this.children = controls;
  }
  get childNodes() {
    return this.children;
  }
  contains(element) {
    return this.children.includes(element);
  }
  replaceChildren(...children) {
    if (this.contains(document.activeElement)) document.activeElement = document.body;
    this.children = children;
  }
  querySelector(selector) {
    const found = this.children.find(({ name, address }) => `[${name}="${address}"]` === selector);
    return found?.form || found || null;
  }
  querySelectorAll() {
    return [];
  }
}

let lists;
let fresh;
let notices;
CSS.escape = (words) => words;
globalThis.matchMedia = () => ({ matches: true });
globalThis.DOMParser = class {
  parseFromString = () => ({
    body: { dataset: {} },
    getElementById: (id) => id === "detail" ? {} : fresh[id] ?? null,
    querySelector: () => ({ textContent: "", hidden: true }),
  });
};
let asked; // with these headers
globalThis.fetch = (_url, { headers }) =>
  Promise.resolve(asked = headers).then(() => ({
    headers: new Headers({ "Content-Type": "text/html" }),
    text: () => Promise.resolve(""),
  }));
document.importNode = (node) => node;
document.getElementById = (id) =>
  ({
    connection: { hidden: true },
    detail: { dataset: { view: "requests" } },
    "contacts-filter": null,
    "composer-text": null,
  })[id] ?? lists[id] ?? null;
document.querySelectorAll = (selector) =>
  selector.includes("notice") ? notices.filter(({ isGone }) => !isGone) : [];
new Contacts().start();

beforeEach(() => {
  [lists, fresh, notices] = [{}, {}, []];
  document.activeElement = document.body;
});

const happen = (kind, detail) =>
  document.dispatchEvent(new CustomEvent(`live:${kind}`, { detail }));

/** A notice about somebody, in other words about others. */
function notice(about, words) {
  const list = { children: [1], remove: () => {} };
  return {
    textContent: words,
    parentElement: list,
    querySelectorAll: () => [{ textContent: about }],
    remove() {
      this.isGone = true;
    },
  };
}

test("a row that is brought up to date keeps the focus", async () => {
  const accept = (id) => button(`/contacts/requests/${id}/accept/`);
  const before = [link("/contacts/bob/"), accept(1)];
  lists.friends = new List(link("/contacts/amy/"), before[0]);
  fresh.friends = new List(link("/contacts/bob/"), link("/contacts/cid/"));
  lists["requests-received"] = new List(before[1]);
  fresh["requests-received"] = new List(accept(2), accept(1));
  for (const control of before) {
    control.focus();
    happen("friend_request", {});
    await settled();
    assert.notEqual(document.activeElement, control);
    assert.equal(document.activeElement.address, control.address);
    lists["requests-received"] = new List(before[1]);
  }
});

test("where the row is gone, the focus goes nowhere", async () => {
  lists.friends = new List(link("/contacts/amy/"));
  fresh.friends = new List(link("/contacts/bob/"));
  lists.friends.children[0].focus();
  happen("friend_request", {});
  await settled();
  assert.equal(document.activeElement, document.body);
});

test("news of somebody take back what was said of them, and nothing about a longer name", async () => {
  notices = [notice("lily", "Asked lily."), notice("li", "Asked li.")];
  happen("friend_added", { friend: { username: "li" } });
  await settled();
  assert.deepEqual(notices.map(({ isGone = false }) => isGone), [false, true]);
});

test("what the server has to say of an act is left to the page that is shown", async () => {
  happen("friend_added", { friend: { username: "zoe" } });
  await settled();
  assert.deepEqual(asked, { "X-Keep-Messages": "yes" });
});
