import assert from "node:assert/strict";
import { test } from "node:test";
import { pick } from "../../static/js/files/choosing.js";

/** A page that says of its inputs which are in it; an old browser tells of no cancelling. */
function page() {
  const inputs = [];
  document.createElement = () => {
    const input = Object.assign(new EventTarget(), { isThere: false, click: () => {}, files: [] });
    input.remove = () => (input.isThere = false);
    inputs.push(input);
    return input;
  };
  document.body.append = (input) => (input.isThere = true);
  return inputs;
}

test("a choice that came to nothing ends with the next one", async () => {
  const inputs = page();
  const first = pick({ accept: "" });
  const second = pick({ accept: "" });
  assert.deepEqual(inputs.map(({ isThere }) => isThere), [false, true]);
  assert.deepEqual(await first, []);
  inputs[1].files = ["a"];
  inputs[1].dispatchEvent(new Event("change"));
  assert.deepEqual(await second, ["a"]);
  assert.deepEqual(inputs.map(({ isThere }) => isThere), [false, false]);
});
