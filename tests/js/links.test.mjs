import assert from "node:assert/strict";
import { test } from "node:test";
import { splitAtLinks } from "../../static/js/chat/links.js";

const addresses = (words) =>
  splitAtLinks(words)
    .filter((part) => part.isLink)
    .map((part) => part.words);
const joined = (words) =>
  splitAtLinks(words)
    .map((part) => part.words)
    .join("");

test("an address is found between words", () => {
  assert.deepEqual(splitAtLinks("look: https://example.org/a?b=c#d there"), [
    { words: "look: ", isLink: false },
    { words: "https://example.org/a?b=c#d", isLink: true },
    { words: " there", isLink: false },
  ]);
});

test("only http and https are addresses", () => {
  assert.deepEqual(addresses("javascript:alert(1) ftp://a.b data:text/html,x www.example.org"), []);
  assert.deepEqual(addresses("HTTP://A.B httpS://c.d"), ["HTTP://A.B", "httpS://c.d"]);
});

test("closing punctuation belongs to the sentence", () => {
  assert.deepEqual(addresses("(see http://a.b/c), http://d.e/f."), [
    "http://a.b/c",
    "http://d.e/f",
  ]);
  assert.deepEqual(addresses("看http://a.b/c。还有http://d.e！"), ["http://a.b/c", "http://d.e"]);
});

test("a bracket that was opened inside an address stays", () => {
  assert.deepEqual(addresses("http://a.b/c_(d)"), ["http://a.b/c_(d)"]);
  assert.deepEqual(addresses("(http://a.b/c_(d))."), ["http://a.b/c_(d)"]);
});

test("what no browser would open is no link", () => {
  assert.deepEqual(addresses("http://[broken and http://a b"), ["http://a"]);
});

test("no character is lost or added", () => {
  const samples = [
    "",
    "http://a.b",
    "a http://[x http://c.d) e",
    "<b>http://e.f</b>",
    "\n\nhttp://g.h\n",
  ];
  for (const words of samples) assert.equal(joined(words), words);
});
