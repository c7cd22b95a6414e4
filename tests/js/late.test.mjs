import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

globalThis.location = { href: "http://chat.test/" };
document.body.dataset.late = "/static/js/late.js";

let asked; // the addresses of the second script, as they are asked for; none of them answers
let fresh = 0;
let late;

globalThis.URL = class extends URL {
  get href() {
    if (!this.pathname.endsWith("late.js")) return super.href;
    asked.push(this.search);
    return "data:text/javascript,throw new Error('gone')";
  }
};

/** Wait until the script has failed. */
function failure() {
  const { warn } = console;
  return new Promise((resolve) => {
    console.warn = () => {
      console.warn = warn;
      setTimeout(resolve);
    };
  });
}

beforeEach(async () => {
  fresh += 1;
  late = await import(`../../static/js/page/late.js?${fresh}`);
  asked = [];
});

test("parts are used as soon as they are there, in the order of asking", () => {
  const used = [];
  late.onLate(({ name }) => used.push(`first ${name}`));
  late.onLate(({ name }) => used.push(`second ${name}`));
  late.onLate(() => used.push("never"))();
  assert.deepEqual(used, []);
  late.arrive({ name: "emoji" });
  late.onLate(({ name }) => used.push(`third ${name}`));
  assert.deepEqual(used, ["first emoji", "second emoji", "third emoji"]);
});

test("one whose use fails leaves the others theirs", (t) => {
  const error = t.mock.method(console, "error", () => {});
  const used = [];
  late.onLate(() => {
    throw new Error("gone");
  });
  late.onLate(() => used.push("second"));
  late.arrive({});
  assert.deepEqual(used, ["second"]);
  assert.equal(error.mock.callCount(), 1);
});

test("only who needs them has them fetched, and once", async () => {
  const over = failure();
  late.onLate(() => {});
  assert.deepEqual(asked, []);
  late.needLate(() => {});
  late.needLate(() => {});
  assert.deepEqual(asked, [""]);
  await over;
});

test("a touch or key fetches them, five seconds after a failure under another address", async (t) => {
  let now = 1_000;
  t.mock.method(performance, "now", () => now);
  late.watchLate();
  const press = async () => {
    const over = failure();
    dispatchEvent(new Event("pointerdown"));
    dispatchEvent(new Event("keydown"));
    await over;
  };
  await press();
  now += 4_999;
  dispatchEvent(new Event("keydown"));
  assert.deepEqual(asked, [""]);
  now += 1;
  await press();
  assert.deepEqual(asked, ["", "?try=1"]);
  now += 5_000;
  late.arrive({});
  dispatchEvent(new Event("keydown"));
  assert.deepEqual(asked, ["", "?try=1"]);
});
