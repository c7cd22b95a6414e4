import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Place } from "../../static/js/chat/place.js";

let scroller;
let pill;
let place;

beforeEach(() => {
  globalThis.ResizeObserver = class {
    observe() {}
  };
  scroller = new EventTarget();
  Object.assign(scroller, { scrollTop: 0, scrollHeight: 5_000, clientHeight: 800 });
  pill = Object.assign(new EventTarget(), { hidden: true, dataset: {} });
  document.getElementById = (id) => ({ thread: scroller, "new-pill": pill }[id]);
  place = new Place(() => {});
  place.connect();
});

function scrollTo(top) {
  scroller.scrollTop = top;
  scroller.dispatchEvent(new Event("scroll"));
}

test("a reader at the end follows", () => {
  place.follow(1, false);
  assert.deepEqual([pill.hidden, scroller.scrollTop], [true, 5_000]);
});

test("new messages below are counted, each once, until the end is seen", () => {
  scrollTo(3_800);
  place.follow(1, false);
  assert.deepEqual([pill.hidden, pill.textContent], [false, "new_message"]);
  place.follow(2, false);
  place.offer(2);
  assert.equal(pill.textContent, "new_messages");
  assert.equal(pill.dataset.count, "2");
  scrollTo(4_200);
  assert.equal(pill.hidden, true);
  scrollTo(3_800);
  place.follow(3, false);
  assert.equal(pill.textContent, "new_message");
});

test("the last of the loaded messages is not the end", () => {
  place.holdsEnd = false;
  scrollTo(4_200);
  place.offer(1);
  scrollTo(4_200);
  assert.deepEqual([place.isAtEnd, pill.hidden, pill.textContent], [false, false, "new_message"]);
  pill.dispatchEvent(new Event("click"));
  assert.equal(scroller.scrollTop, 4_200);
});

test("from far above the way to the last is offered, and makes room for a count", () => {
  scrollTo(100);
  assert.equal(pill.textContent, "to_the_last");
  assert.equal(pill.dataset.count, undefined);
  place.follow(1, false);
  assert.equal(pill.textContent, "new_message");
});

test("a message at the end that becomes longer keeps its top, and the reader", () => {
  scroller.getBoundingClientRect = () => ({ top: 0 });
  place.hold({ getBoundingClientRect: () => ({ top: 500 }) }, () => {
    scroller.scrollHeight = 6_000;
  });
  assert.deepEqual([place.isAtEnd, scroller.scrollTop], [false, 5_000]);
});
