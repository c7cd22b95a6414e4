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
  assert.deepEqual(addresses("javascript:alert(1) ftp://a.b data:text/html,x example.org"), []);
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

test("a bracket that nothing follows is none of an address", () => {
  const cases = {
    "https://example.com/a(见下)": "https://example.com/a",
    "https://example.com/a[1]{见": "https://example.com/a[1",
    "https://example.com/a_(b)(见下)": "https://example.com/a_(b)",
    "www.example.com/a.(": "www.example.com/a",
    "https://example.com/f()": "https://example.com/f()",
    "https://example.com/a)(": "https://example.com/a",
  };
  for (const [words, address] of Object.entries(cases)) {
    assert.deepEqual(addresses(words), [address], words);
    assert.equal(joined(words), words);
  }
});

test("an address that no browser would open is no link", () => {
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

test("words behind an address need no blank before them", () => {
  const cases = {
    "打开http://192.168.1.5:8000就能用": "http://192.168.1.5:8000",
    "请看https://www.example.com谢谢": "https://www.example.com",
    "见 https://example.com/a很好看": "https://example.com/a",
    "https://example.com/a?b=1吧": "https://example.com/a?b=1",
    "https://example.com/a#c这里": "https://example.com/a#c",
    "https://example.com/a/b.html看看": "https://example.com/a/b.html",
    "https://example.comを見て": "https://example.com",
    "https://example.com/aです": "https://example.com/a",
    "https://example.com입니다": "https://example.com",
    "https://example.com/a👍": "https://example.com/a",
  };
  for (const [words, address] of Object.entries(cases)) {
    assert.deepEqual(addresses(words), [address]);
    assert.equal(joined(words), words);
  }
});

test("punctuation of theirs ends an address, and so do quotes, dashes and what nobody sees", () => {
  for (
    const mark of "，。、；：！？）】》」』”’…—～\u200b\u2060\ufeff\u202e\u3000"
  ) {
    assert.deepEqual(addresses(`“https://example.com/a${mark}b`), ["https://example.com/a"], mark);
  }
});

test("a part of an address may begin with their letters, and goes on with them", () => {
  for (
    const address of [
      "https://zh.wikipedia.org/wiki/中国",
      "https://zh.wikipedia.org/wiki/中国/历史",
      "https://zh.wikipedia.org/wiki/苹果_(公司)#产品",
      "https://www.baidu.com/s?wd=天气预报&ie=utf-8",
      "http://例子.测试/路径",
      "https://www.清华大学.cn/a",
      "https://de.wikipedia.org/wiki/Österreich",
    ]
  ) assert.deepEqual(addresses(`看${address}，好`), [address]);
});

test("two addresses between their words are two", () => {
  assert.deepEqual(addresses("http://a.b和http://c.d都行"), ["http://a.b", "http://c.d"]);
});

test("a plain www address is one", () => {
  const cases = {
    "请看www.example.com谢谢": ["www.example.com"],
    "(www.example.com/a_(b)).": ["www.example.com/a_(b)"],
    "WWW.Example.com:8080/中国?a=b 好": ["WWW.Example.com:8080/中国?a=b"],
    "www.example.com.": ["www.example.com"],
    "www.example.com.谢谢": ["www.example.com"],
    "www.example.com/a很好": ["www.example.com/a"],
    "https://www.example.com": ["https://www.example.com"],
    "awww.example.com www.nothing www. me@www.example.com ftp://www.example.com": [],
  };
  for (const [words, expected] of Object.entries(cases)) {
    assert.deepEqual(addresses(words), expected, words);
    assert.equal(joined(words), words);
  }
});

test("an address that cannot be parsed breaks nothing, without the newest of the browser either", (context) => {
  const { canParse } = URL;
  context.after(() => (URL.canParse = canParse));
  delete URL.canParse;
  const words = "http://[x http://999.999.999.999 http://a.b:99999 http://% https://ok.example";
  assert.deepEqual(addresses(words), ["https://ok.example"]);
  assert.equal(joined(words), words);
});

test("the longest message costs no more than its length", () => {
  const start = performance.now();
  for (
    const part of ["www.", "http://", "http://a/)", "(", "www.a.中.", "!", "http://中.", "/中="]
  ) {
    splitAtLinks(part.repeat(4_000 / part.length));
    splitAtLinks(`http://a/${part.repeat(4_000 / part.length)}`);
  }
  assert.ok(performance.now() - start < 4_000); // ms; it takes some 50
});
