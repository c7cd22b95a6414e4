import assert from "node:assert/strict";
import { test } from "node:test";
import { splitAtCode } from "../../static/js/chat/code.js";

const code = (words) =>
  splitAtCode(words)
    .filter((part) => part.kind === "code")
    .map((part) => part.words);

test("code stands between three backticks, whatever is around it", () => {
  assert.deepEqual(code("看：\n```\nif x:\n  y()\n```\n对吗？"), ["if x:\n  y()"]);
  assert.deepEqual(code("```python\nprint(1)\n```"), ["print(1)"]);
  assert.deepEqual(code("用 ```ls -l``` 和 ```pwd``` 看看"), ["ls -l", "pwd"]);
  assert.deepEqual(code("```\n\n  a\n\n```"), ["\n  a\n"]);
});

test("a fence that is never closed, or holds nothing, is text", () => {
  for (const words of ["```", "``` a", "a ```\nb", "``````", "```\n```", "``a``"]) {
    assert.deepEqual(code(words), [], words);
  }
});

test("four lines that begin with blanks are code, three are not", () => {
  assert.deepEqual(code("例子\n  a\n  b\n\n\tc\n  d\n完"), ["  a\n  b\n\n\tc\n  d"]);
  assert.deepEqual(code("例子\n  a\n  b\n  c\n完"), []);
});

test("the line that opens the block belongs to it, and the one that closes it", () => {
  assert.deepEqual(code("看看\nwhile (x) {\n  a\n  b\n  c\n  d\n}\n对吗"), [
    "while (x) {\n  a\n  b\n  c\n  d\n}",
  ]);
});

test("the first line counts, whose blanks are trimmed on the way", () => {
  assert.deepEqual(code("a = 1\n  b\n  c\n  d"), ["a = 1\n  b\n  c\n  d"]);
  assert.deepEqual(code("买：\n  鸡蛋\n  牛奶\n  面包"), []);
});

test("Chinese paragraphs are no code", () => {
  assert.deepEqual(code("　　一\n　　二\n　　三\n　　四\n　　五"), []);
});

test("no character is lost or added", () => {
  const samples = [
    "",
    "a",
    "```",
    "``````````",
    "x\n```js\n  y\n```\nz ```w```",
    "  a\n  b\n  c\n  d\n",
    "if {\n  a\n  b\n  c\n  d\n} else {\n  e\n  f\n  g\n  h\n}",
    "f {\n  a\n\n  b\n  c\n  d\n\n}\n\n",
    "\n".repeat(9) + "  a\n".repeat(9),
  ];
  for (const words of samples) {
    assert.equal(splitAtCode(words).map((part) => part.words).join(""), words);
  }
});

test("the longest message of nothing but fences costs next to nothing", () => {
  const began = performance.now();
  for (const piece of ["```", "` ", " a\n", "```\n", "a:\n b\n"]) {
    splitAtCode(piece.repeat(4_000 / piece.length));
  }
  assert.ok(performance.now() - began < 2_000);
});

test("blanks behind the backticks cost no more than their number", () => {
  const start = performance.now();
  for (let turn = 0; turn < 10; turn += 1) {
    code("```" + " ".repeat(20_000) + "x```");
    code("```" + " ".repeat(10_000) + "a".repeat(10_000) + "!```");
  }
  assert.ok(performance.now() - start < 4_000); // ms; it takes some 10
});

test("a language may stand between blanks", () => {
  assert.deepEqual(code("``` \t c++  \nx\n```"), ["x"]);
  assert.deepEqual(code("```  \nx\n```"), ["x"]);
  assert.deepEqual(code("```two words\nx\n```"), ["two words\nx"]);
});

test("what follows the last backticks begins with its first word, and a line with its blanks", () => {
  const after = (words) => splitAtCode(words).at(-1);
  assert.deepEqual(after("```\nx\n``` so"), { words: "so", kind: "text" });
  assert.deepEqual(after("```\nx\n``` \n  so"), { words: "  so", kind: "text" });
});
