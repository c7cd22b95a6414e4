import assert from "node:assert/strict";
import { test } from "node:test";
import { hasFiles, readDrop } from "../../static/js/page/drops.js";

const item = (name, isDirectory = false) => ({
  kind: "file",
  getAsFile: () => name,
  webkitGetAsEntry: () => ({ isDirectory }),
});

test("files are told from folders, and from text", () => {
  const text = { kind: "string", getAsFile: () => null };
  assert.deepEqual(readDrop({ items: [item("a"), item("b", true), text, item("c")] }), {
    files: ["a", "c"],
    hasFolder: true,
  });
  assert.deepEqual(readDrop({ items: [text] }), { files: [], hasFolder: false });
  // A browser that knows no entries, and one that has none for a file made by a script.
  const plain = { kind: "file", getAsFile: () => "a" };
  const made = { ...plain, webkitGetAsEntry: () => null };
  assert.deepEqual(readDrop({ items: [plain, made] }).files, ["a", "a"]);
});

test("only what holds files is taken", () => {
  assert.equal(hasFiles({ dataTransfer: { types: ["text/plain"] } }), false);
  assert.equal(hasFiles({ dataTransfer: { types: ["text/html", "Files"] } }), true);
  assert.equal(hasFiles({}), false);
});
