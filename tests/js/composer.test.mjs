import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

class Element extends EventTarget {
  dataset = {};
  style = {};
  hidden = true;
  value = "";
  textContent = "";
  classList = { toggle: () => {}, add: () => {} };
  parts = new Map();
  matches(selector) {
    return selector.split(", ").includes(this.name);
  }
  closest(selector) {
    return selector === this.place ? this : null;
  }
  setAttribute() {}
  querySelectorAll() {
    return this.parts.values();
  }
  querySelector(selector) {
    if (!this.parts.has(selector)) this.parts.set(selector, new Element());
    return this.parts.get(selector);
  }
  replaceChildren(...nodes) {
    this.textContent = nodes.map((node) => node.textContent ?? node).join("");
  }
  focus() {
    document.activeElement = this;
  }
  blur() {}
}

let elements;
let field;
let isTouch;
let sent;
globalThis.matchMedia = () => ({ matches: isTouch });
const { recall, remember } = await import("../../static/js/page/memory.js");
const { Composer } = await import("../../static/js/chat/composer.js");
const { ContactFilter } = await import("../../static/js/chat/contact_filter.js");
const { followNames } = await import("../../static/js/chat/names.js");
followNames();
document.getElementById = (id) => (elements[id] ??= new Element());
document.createElement = () => new Element();

beforeEach(() => {
  [elements, isTouch, sent] = [{}, false, []];
  document.activeElement = Object.assign(new Element(), { name: "body" });
  document.querySelector = () => null;
  document.querySelectorAll = () => [];
  for (const name of ["bob", "rob"]) {
    for (const what of ["draft", "quote"]) remember(`${what}:${name}`, null);
  }
});

/** Open the chat with somebody, with this text in the field. */
function open(username, value = "") {
  field = Object.assign(new Element(), { name: "textarea", place: "#detail", value });
  field.dataset.limit = "4000";
  const form = Object.assign(new Element(), { elements: { text: field } });
  const composer = new Composer(form, username, {
    send: (words) => sent.push(words),
    typing: () => {},
  });
  composer.connect();
  return { composer, form };
}

test("letters that were typed before the scripts came stand behind the draft", () => {
  remember("draft:bob", "half a page");
  open("bob", "!");
  assert.equal(field.value, "half a page!");
  assert.equal(recall("draft:bob"), "half a page!");
});

test("a field that the browser has restored holds its draft once", () => {
  remember("draft:bob", "half a page");
  open("bob", "half a page and more");
  assert.equal(field.value, "half a page and more");
  open("bob");
  assert.equal(field.value, "half a page and more");
});

test("the focus goes to the field, unless the reader types beside the page", () => {
  open("bob");
  assert.equal(document.activeElement, field);
  const search = Object.assign(new Element(), { name: "input", type: "search" });
  document.activeElement = search;
  open("bob");
  assert.equal(document.activeElement, search);
  const link = Object.assign(new Element(), { name: "a" });
  document.activeElement = link;
  open("bob");
  assert.equal(document.activeElement, field);
});

test("a quote is kept with the draft, over pages and a new name, until it is sent or dropped", () => {
  const quote = { id: 7, sender: "bob", text: "Tomorrow?" };
  open("bob").composer.quote(quote);
  open("bob");
  const words = elements["quote-bar"].querySelector(".quote-words");
  assert.deepEqual([elements["quote-bar"].hidden, words.textContent], [false, "bobcolonTomorrow?"]);
  const detail = { old_username: "bob", friend: { username: "rob" } };
  document.dispatchEvent(new CustomEvent("live:friend_changed", { detail }));
  assert.deepEqual([recall("quote:bob"), recall("quote:rob")], [null, { ...quote, sender: "rob" }]);
  const { form } = open("rob", "Yes");
  form.dispatchEvent(new Event("submit", { cancelable: true }));
  assert.deepEqual([recall("quote:rob"), elements["quote-bar"].hidden], [null, true]);
});

test("a name that was typed before the scripts came filters the contacts", () => {
  const input = Object.assign(new Element(), { value: "zhang", form: new Element() });
  elements["contacts-filter"] = input;
  const filter = new ContactFilter();
  filter.connect();
  assert.deepEqual([input.value, elements.letters.hidden], ["zhang", true]);
  filter.disconnect();
  input.value = "";
  filter.connect();
  assert.equal(input.value, "zhang");
});

test("the arrows lead from the filter of the contacts to the first friend and back", () => {
  const input = Object.assign(new Element(), { form: new Element(), value: "li" });
  const [row, link] = [new Element(), Object.assign(new Element(), { name: "a" })];
  row.dataset = { username: "li", remark: "" };
  row.parts.set("a", link);
  row.contains = (element) => element === link;
  elements = { "contacts-filter": input, friends: new Element() };
  document.querySelector = () => row;
  const filter = new ContactFilter();
  filter.connect();
  const press = (element, key) => {
    const event = Object.assign(new Event("keydown", { cancelable: true }), { key });
    Object.defineProperty(event, "target", { value: document.activeElement });
    element.dispatchEvent(event);
    return event.defaultPrevented;
  };
  input.focus();
  assert.deepEqual([press(input, "ArrowDown"), document.activeElement], [true, link]);
  assert.equal(press(elements.friends, "ArrowDown"), false); // to the next friend, as in any list
  assert.deepEqual([press(elements.friends, "ArrowUp"), document.activeElement], [true, input]);
  link.focus();
  press(elements.friends, "Escape");
  assert.deepEqual([document.activeElement, input.value], [input, ""]);
});

test("while another page is on its way, nothing goes into the message and nothing is sent", () => {
  const { composer, form } = open("bob", "Tomorrow");
  composer.rest();
  composer.insert("!");
  form.dispatchEvent(new Event("submit", { cancelable: true }));
  assert.deepEqual([field.readOnly, field.value, sent], [true, "Tomorrow", []]);
  composer.wake();
  assert.equal(field.readOnly, false);
  composer.rest();
  composer.lock("gone");
  composer.wake();
  assert.equal(field.readOnly, true);
});

test("a text of which nothing can be seen is not sent, and stays with a word about it", () => {
  const { form } = open("bob", "\u200b");
  form.dispatchEvent(new Event("submit", { cancelable: true }));
  assert.deepEqual([sent, field.value], [[], "\u200b"]);
  assert.equal(elements["composer-error"].textContent, "empty");
  field.value = "\u200bx";
  form.dispatchEvent(new Event("submit", { cancelable: true }));
  assert.deepEqual(sent, ["\u200bx"]);
});
