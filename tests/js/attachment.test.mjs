import assert from "node:assert/strict";
import { test } from "node:test";
import {
  familyOf,
  fit,
  inBytes,
  inMinutes,
  lineOf,
  secondsOf,
  shortName,
} from "../../static/js/chat/attachment.js";

// The same numbers are in chat/tests/media/test_file_rows.py.
test("a picture fits into its box, and is no narrower than a finger", () => {
  assert.deepEqual(fit(4032, 3024), [220, 165]);
  assert.deepEqual(fit(3024, 4032), [210, 280]);
  assert.deepEqual(fit(100, 80), [100, 80]);
  assert.deepEqual(fit(10_000, 100), [220, 60]);
  assert.deepEqual(fit(16, 16), [60, 60]);
  assert.equal(fit(undefined, 5), null);
});

test("sizes and lengths are those of the server", () => {
  assert.equal(inBytes(1024), "1.0\u00a0KB");
  assert.equal(inBytes(2_481_520), "2.4\u00a0MB");
  assert.equal(inBytes(1_048_575), "1024.0\u00a0KB");
  assert.equal(inBytes(3 * 1024 ** 3), "3.0\u00a0GB");
  assert.equal(inMinutes(65.9), "1:05");
  assert.equal(inMinutes(0.2), "0:00");
  assert.equal(secondsOf(3.2), 4);
  assert.equal(secondsOf(undefined), 1);
});

test("a line names a file, and says of anything else what it is", () => {
  assert.equal(lineOf({ kind: "video", name: "a.mp4" }), "video_preview");
  assert.equal(lineOf({ kind: "file", name: "a.pdf" }), "file_preview");
});

test("a long name loses its middle", () => {
  for (
    const [name, short] of [
      ["报告.pdf", "报告.pdf"],
      ["第三章 实验报告（最终版）.pdf", "第三章 实验报告（最终版）.pdf"],
      ["计算机二班-20231234-张三-第三次实验报告.docx", "计算机二班-20231234-…验报告.docx"],
      ["a".repeat(34), "a".repeat(34)],
      ["a".repeat(35), `${"a".repeat(20)}…${"a".repeat(12)}`],
      ["长".repeat(18), `${"长".repeat(10)}…${"长".repeat(6)}`],
      [`${"𠮷".repeat(18)}.txt`, `${"𠮷".repeat(10)}…${"𠮷".repeat(4)}.txt`],
    ]
  ) assert.equal(shortName(name), short);
});

test("an extension has its family", () => {
  assert.deepEqual(["PDF", "xlsx", "", "qqq"].map(familyOf), ["pdf", "table", "other", "other"]);
});
