import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { Refusal } from "../../static/js/api.js";
import { Uploads } from "../../static/js/files/uploads.js";

const turn = () => later(0);

/** Uploads whose sendings end when the test says so. */
function make() {
  const [sendings, letters, deleted] = [[], [], []];
  const outbox = { add: (letter) => letters.push(letter) };
  const api = { delete: (path) => Promise.resolve(deleted.push(path)) };
  const makeSending = (_api, item, told) => {
    const sending = { name: item.name, told, stopped: false };
    sending.run = () =>
      new Promise((resolve, reject) => {
        sending.done = (more) => resolve({ attachment: { name: item.name }, ...more });
        sending.refuse = reject;
      });
    sending.stop = () => {
      sending.stopped = true;
    };
    sendings.push(sending);
    return sending;
  };
  return { uploads: new Uploads(api, outbox, makeSending), sendings, letters, deleted };
}

const choose = (...names) =>
  names.map((name) => {
    const file = { name, size: name.length };
    return { file, name, kind: "file", modified: 7, view: { name } };
  });

beforeEach(() => sessionStorage.removeItem("webchat:undefined:uploads"));

test("two go at once, and the letters keep the order of the choice", async () => {
  const { uploads, sendings, letters } = make();
  uploads.add("bob", choose("a", "b", "c"), "now");
  assert.deepEqual(sendings.map(({ name }) => name), ["a", "b"]);
  sendings[1].done();
  await turn();
  assert.deepEqual(sendings.map(({ name }) => name), ["a", "b", "c"]);
  assert.deepEqual(letters, []);
  sendings[0].done();
  await turn();
  assert.deepEqual(letters.map(({ attachment }) => attachment.name), ["a", "b"]);
  assert.deepEqual(letters.map(({ to, text }) => [to, text]), [["bob", ""], ["bob", ""]]);
  assert.equal(new Set(letters.map(({ upload }) => upload)).size, 2);
  sendings[2].done();
  await turn();
  assert.equal(letters.length, 3);
  assert.deepEqual(uploads.itemsTo("bob"), []);
});

test("one that fails holds up no other, and is tried again", async () => {
  const { uploads, sendings, letters } = make();
  const reasons = [];
  const hear = ({ detail }) => reasons.push(detail.reason);
  document.addEventListener("uploads:failed", hear);
  const [{ clientId }] = uploads.add("bob", choose("a", "b"), "now");
  sendings[0].refuse(new Refusal(413, { code: "too_large", message: "zu groß" }));
  sendings[1].done();
  await turn();
  document.removeEventListener("uploads:failed", hear);
  assert.deepEqual(reasons, ["zu groß"]);
  assert.equal(uploads.itemsTo("bob")[0].reason, "zu groß"); // for whoever comes back to the chat
  assert.deepEqual(letters.map(({ attachment }) => attachment.name), ["b"]);
  uploads.retry(clientId);
  assert.equal(uploads.itemsTo("bob")[0].reason, undefined);
  sendings[2].done();
  await turn();
  assert.deepEqual(letters.map(({ attachment }) => attachment.name), ["b", "a"]);
});

test("one that is given up stops, goes from the server, and lets the others pass", async () => {
  const { uploads, sendings, letters, deleted } = make();
  const [{ clientId, uploadId }] = uploads.add("bob", choose("a", "b"), "now");
  sendings[1].done();
  await turn();
  uploads.cancel(clientId);
  await turn();
  assert.equal(sendings[0].stopped, true);
  assert.deepEqual(deleted, [`uploads/${uploadId}/`]);
  assert.deepEqual(letters.map(({ attachment }) => attachment.name), ["b"]);
  sendings[0].done();
  await turn();
  assert.equal(letters.length, 1);
});

test("after a reload the same file goes on, and no other", async () => {
  const before = make();
  const [{ clientId, uploadId }] = before.uploads.add("bob", choose("abc"), "now");
  const { uploads, sendings, letters, deleted } = make();
  const [item] = uploads.itemsTo("bob");
  assert.deepEqual([item.state, item.uploadId], ["lost", uploadId]);
  assert.equal(uploads.resume(clientId, choose("abcd")[0]), false);
  assert.equal(uploads.resume(clientId, choose("xyz")[0]), false);
  assert.equal(uploads.resume(clientId, choose("abc")[0]), true);
  sendings[0].done();
  await turn();
  assert.deepEqual(letters.map(({ upload }) => upload), [uploadId]);
  assert.deepEqual(deleted, []);
});

test("another version of the file begins from its beginning", async () => {
  const before = make();
  const [first] = choose("abc");
  const [{ clientId, uploadId }] = before.uploads.add("bob", [first], "now");
  const { uploads, sendings, letters, deleted } = make();
  assert.equal(uploads.resume(clientId, { ...first, modified: first.modified + 1 }), true);
  assert.deepEqual(deleted, [`uploads/${uploadId}/`]);
  sendings[0].done();
  await turn();
  assert.equal(letters.length, 1);
  assert.notEqual(letters[0].upload, uploadId);
});

test("what was ready before a reload goes without its file", async () => {
  const before = make();
  before.uploads.add("bob", choose("a", "b"), "now");
  before.sendings[1].done();
  await turn();
  const { uploads, letters } = make();
  uploads.start();
  assert.deepEqual(letters.map(({ attachment }) => attachment.name), ["b"]);
});

test("a friend who is renamed gets it under the new name", async () => {
  const { uploads, sendings, letters } = make();
  uploads.start();
  uploads.add("bob", choose("a"), "now");
  const detail = { old_username: "bob", friend: { username: "robert" } };
  document.dispatchEvent(new CustomEvent("live:friend_changed", { detail }));
  sendings[0].done();
  await turn();
  assert.equal(letters[0].to, "robert");
});

test("what goes as a file although it is none is told", async () => {
  const { uploads, sendings } = make();
  const told = [];
  const hear = ({ detail }) => told.push([detail.kind, detail.notice]);
  document.addEventListener("uploads:noticed", hear);
  uploads.add("bob", [{ ...choose("a")[0], kind: "picture" }, choose("b")[0]], "now");
  sendings[0].done({ notice: "unreadable" });
  sendings[1].done();
  await turn();
  document.removeEventListener("uploads:noticed", hear);
  assert.deepEqual(told, [["picture", "unreadable"]]);
});

test("of one that was given up nothing is told when its answer comes", async () => {
  const { uploads, sendings } = make();
  const told = [];
  const hear = ({ detail }) => told.push(detail.notice);
  document.addEventListener("uploads:noticed", hear);
  const [{ clientId }] = uploads.add("bob", choose("a", "b"), "now");
  uploads.cancel(clientId);
  sendings[0].done({ notice: "unreadable" });
  sendings[1].done({ notice: "too_large" });
  await turn();
  document.removeEventListener("uploads:noticed", hear);
  assert.deepEqual(told, ["too_large"]);
});
