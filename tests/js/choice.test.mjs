import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { chosen, prepare } from "../../static/js/files/choice.js";

const photo = { name: "a.jpg", type: "image/jpeg", size: 4_000_000, lastModified: 7 };

/** A browser that decodes every picture; `context` is what a canvas draws with, null without memory. */
function browser(context) {
  const closed = [];
  globalThis.createImageBitmap = ({ name }) =>
    Promise.resolve({ width: 4_000, height: 3_000, close: () => closed.push(name) });
  document.createElement = () => ({
    getContext: () => context,
    toBlob: (done, type) => done({ type, size: 500_000 }),
  });
  return closed;
}

afterEach(() => {
  delete globalThis.createImageBitmap;
  delete document.createElement;
});

test("a photo is made smaller, and its bitmap is let go", async () => {
  const closed = browser({ drawImage: () => {} });
  const choice = await prepare(photo);
  assert.deepEqual(closed, ["a.jpg"]);
  assert.equal(choice.smaller.size, 500_000);
  const { file, view } = chosen(choice, false);
  assert.equal(file, choice.smaller);
  assert.deepEqual([view.width, view.height, view.size], [2048, 1536, 500_000]);
});

test("what cannot be drawn goes as it is", async () => {
  const closed = browser(null);
  const choice = await prepare(photo);
  assert.deepEqual(closed, ["a.jpg"]);
  assert.deepEqual([choice.kind, choice.thumbnail, choice.smaller], ["picture", null, null]);
  assert.equal(chosen(choice, false).file, photo);
});
