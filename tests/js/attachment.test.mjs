import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import {
  familyOf,
  fit,
  inBytes,
  inMinutes,
  lineOf,
  secondsOf,
  shortName,
  showAttachment,
} from "../../static/js/chat/attachment.js";
import { Element, makePage } from "./elements.mjs";

beforeEach(() => makePage());

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

/** A bubble of a file on its way, as this device has drawn it, that has arrived. */
function arrived(kind) {
  const bubble = new Element("div", "bubble");
  const facts = { kind, name: "a", size: 9, width: 300, height: 200, preview: null };
  showAttachment(bubble, { ...facts, url: null });
  const drawn = new Element("canvas");
  bubble.querySelector("img, video").after(drawn);
  showAttachment(bubble, { ...facts, url: "/attachments/1/" });
  return { bubble, drawn };
}

test("a picture that has arrived stays in view until it has come back", () => {
  const { bubble, drawn } = arrived("picture");
  assert.equal(bubble.querySelector("canvas"), drawn);
  bubble.querySelector("img").dispatchEvent(new Event("load"));
  assert.equal(bubble.querySelector("canvas"), null);
});

test("a film that has arrived is not fetched for a picture that is there", () => {
  const { bubble, drawn } = arrived("video");
  assert.equal(bubble.querySelector("canvas"), drawn);
  assert.ok(bubble.firstElementChild.matches(".attachment.video.drawn"));
});

test("a picture that goes as a file leaves nothing that was drawn", () => {
  const { bubble } = arrived("picture");
  showAttachment(bubble, { kind: "file", name: "a.png", size: 9, url: "/attachments/1/" });
  assert.equal(bubble.querySelector("canvas"), null);
});
