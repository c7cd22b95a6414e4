import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const script = readFileSync(new URL("../../static/js/admin.js", import.meta.url), "utf-8");
const AUTO = "(prefers-color-scheme: dark)";

/** Run the plain script of the admin on a page, whose theme the switch of Django's then sets. */
const open = (theme) => {
  const sheet = { media: AUTO };
  const root = { dataset: { theme } };
  let changed;
  const MutationObserver = class {
    constructor(callback) {
      changed = callback;
    }
    observe() {}
  };
  const document = { documentElement: root, querySelector: () => sheet };
  runInNewContext(script, { document, MutationObserver });
  return (next) => {
    if (next) {
      root.dataset.theme = next;
      changed();
    }
    return sheet.media;
  };
};

test("the dark colours of the admin are the device's, or those that its switch has chosen", () => {
  const media = open("auto");
  assert.equal(media(), AUTO);
  assert.equal(media("dark"), "all");
  assert.equal(media("light"), "not all");
  assert.equal(media("auto"), AUTO);
});

test("a page of the admin opens in the colours that were chosen on the one before", () => {
  assert.equal(open("dark")(), "all");
  assert.equal(open("light")(), "not all");
});
