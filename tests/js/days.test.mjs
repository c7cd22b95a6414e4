import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { dayAbove, separate } from "../../static/js/chat/days.js";

let list;

class Line {
  children = [];
  constructor(className = "", time = "") {
    Object.assign(this, { className, time });
  }
  get previousElementSibling() {
    return list[list.indexOf(this) - 1] ?? null;
  }
  get firstElementChild() {
    return this.children[0];
  }
  matches(selector) {
    return selector === `.${this.className}`;
  }
  querySelector() {
    return { textContent: this.time };
  }
  append(child) {
    this.children.push(child);
  }
  before(line) {
    list.splice(list.indexOf(this), 0, line);
  }
  remove() {
    list.splice(list.indexOf(this), 1);
  }
}

const one = new Line("message", "2026-11-25 23:59");
const two = new Line("message", "2026-11-26 00:01");
const unread = new Line("unread-line");

beforeEach(() => {
  document.createElement = () => new Line();
});

const order = () => list.map(({ className }) => className);

test("the name of a day stands above the line of the new messages", () => {
  list = [unread, one, two];
  for (const message of [one, two, one, two]) separate(message);
  assert.deepEqual(order(), ["day", "unread-line", "message", "day", "message"]);
  assert.equal(dayAbove(one).firstElementChild.textContent, "2026-11-25");
});

test("a day that began further up is not named again above that line", () => {
  const more = new Line("message", two.time);
  list = [two, unread, more];
  separate(more);
  assert.deepEqual(order(), ["message", "unread-line", "message"]);
  list = [two, new Line("day"), unread, more];
  separate(more);
  assert.deepEqual(order(), ["message", "unread-line", "message"]);
});
