import assert from "node:assert/strict";
import { test } from "node:test";
import { isNamed, key } from "../../static/js/chat/matching.js";

const friend = { username: "Zhang_Wei", remark: "老 张", readings: "laozhang lz zhangwei" };
const found = (wanted) => isNamed(friend, key(wanted));

test("by any part of a name or of a remark", () => {
  for (const wanted of ["zhang", "ANG_w", "老张", "张", " Ｚｈａｎｇ "]) {
    assert.ok(found(wanted), wanted);
  }
  assert.ok(!found("wang"));
});

test("by pinyin: more than one letter anywhere, one letter at the beginning", () => {
  assert.ok(found("lz"));
  assert.ok(found("aozh"));
  assert.ok(isNamed({ username: "x", remark: "", readings: "laozhang lz" }, "l"));
  assert.ok(!isNamed({ username: "x", remark: "", readings: "laozhang lz" }, "a"));
});

test("a row that nobody has read yet goes by its name alone", () => {
  assert.ok(isNamed({ username: "bob", remark: "" }, "b"));
  assert.ok(!isNamed({ username: "bob", remark: "" }, "lz"));
});
