import assert from "node:assert/strict";
import { test } from "node:test";
import { isNamed, key } from "../../static/js/chat/matching.js";

const friend = {
  username: "Zhang_Wei",
  remark: "老 张",
  readings: "zhang wei;lao/老 zhang/张",
};
const found = (wanted) => isNamed(friend, key(wanted));
const spelt = (wanted, readings) => isNamed({ username: "x", remark: "", readings }, key(wanted));

test("by any part of a name or of a remark", () => {
  for (const wanted of ["zhang", "ANG_w", "老张", "张", " Ｚｈａｎｇ ", "老\u200b张\u3000"]) {
    assert.ok(found(wanted), wanted);
  }
  assert.ok(!found("wang"));
});

test("by pinyin in full, by initials and by mixtures, from any character on", () => {
  const wenqing = "sun/孙 wen/文 qing/清";
  for (const wanted of ["sunwq", "swq", "swenqing", "Sun Wen Q", "sunw", "wenq", "孙wq", "wq"]) {
    assert.ok(spelt(wanted, wenqing), wanted);
  }
  for (const wanted of ["sunq", "suwq", "unwen", "sunwqx"]) assert.ok(!spelt(wanted, wenqing));
  assert.ok(found("lz"));
  assert.ok(found("zhw"));
  assert.ok(!found("weilao"), "the name and the remark are two");
});

test("by every reading of every character", () => {
  const changle = "dan/chan/shan/单 zhang/chang/长 le/yue/乐";
  for (const wanted of ["shanchangle", "shan", "scl", "danzhangyue", "chancy", "shchl"]) {
    assert.ok(spelt(wanted, changle), wanted);
  }
  assert.ok(spelt("lübu", "lv/吕 bu/布"));
});

test("not by a text that is too long for a name, which is never folded", () => {
  const long = "a".repeat(401);
  assert.ok(!isNamed({ username: "a".repeat(16), remark: "a" }, key(long)));
  assert.notEqual(key(long), "");
  const heap = "e" + "\u0301".repeat(100_000); // folding takes the square of its length
  assert.equal(key(heap), key(long));
});

test("with apostrophes between syllables, as input methods write them", () => {
  for (const wanted of ["xi'an", "xi’an", "x'a"]) assert.ok(spelt(wanted, "xi/西 an/安"), wanted);
  for (const wanted of ["'", "’", "x'n"]) assert.ok(!spelt(wanted, "xi/西 an/安"), wanted);
  assert.ok(spelt("o'zs", "o' zhang/张 san/三"));
});

test("one letter begins a name", () => {
  assert.ok(spelt("l", "lao/老 zhang/张"));
  assert.ok(!spelt("z", "lao/老 zhang/张"));
  assert.ok(spelt("z", "lao/老;zhang/张"));
});

test("a row that nobody has read yet goes by its name alone", () => {
  assert.ok(isNamed({ username: "bob", remark: "" }, "b"));
  assert.ok(!isNamed({ username: "bob", remark: "" }, "lz"));
});
