import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const script = readFileSync(new URL("../../static/js/print.js", import.meta.url), "utf-8");

test("the button of a page of slips appears and prints", () => {
  const button = { hidden: true, addEventListener: (_click, press) => (button.press = press) };
  const asked = [];
  const document = {
    querySelectorAll: (selector) => {
      asked.push(selector);
      return [button];
    },
  };
  let printed = 0;
  runInNewContext(script, { document, window: { print: () => printed++ } });
  assert.deepEqual(asked, ["button[data-print]"]);
  assert.equal(button.hidden, false);
  assert.equal(printed, 0);
  button.press();
  assert.equal(printed, 1);
});
