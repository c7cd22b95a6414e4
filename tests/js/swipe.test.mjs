import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { watchSwipes } from "../../static/js/page/swipe.js";

let clicks;

watchSwipes();

beforeEach(() => {
  clicks = 0;
  globalThis.history = { state: { index: 3 } };
  globalThis.location = { href: "http://chat.test/chat/bob/" };
  const back = { getClientRects: () => [1], click: () => (clicks += 1) };
  document.querySelector = (selector) => selector === "#detail .back" ? back : null;
});

function touch(name, clientX, clientY) {
  const finger = { identifier: 1, clientX, clientY };
  document.dispatchEvent(
    Object.assign(new Event(name), { touches: [finger], changedTouches: [finger] }),
  );
}

test("a swipe from the edge goes back, and no other one", () => {
  for (
    const [start, end] of [[[5, 400], [50, 400]], [[120, 400], [210, 400]], [[5, 300], [90, 420]]]
  ) {
    touch("touchstart", ...start);
    touch("touchend", ...end);
  }
  assert.equal(clicks, 0);
  touch("touchstart", 5, 400);
  touch("touchend", 95, 420);
  assert.equal(clicks, 1);
});

test("the place on the page may be noted meanwhile, but another page is not left", () => {
  touch("touchstart", 5, 400);
  location.href = "http://chat.test/chat/bob/?at=5#m5";
  touch("touchend", 95, 400);
  assert.equal(clicks, 1);
  touch("touchstart", 5, 400);
  history.state = { index: 2 };
  touch("touchend", 95, 400);
  assert.equal(clicks, 1);
});
