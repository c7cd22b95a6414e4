import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal, Unreachable } from "../../static/js/api.js";
import { Sending, Unreadable } from "../../static/js/files/sending.js";

globalThis.setTimeout = ((later) => (act) => later(act, 0))(setTimeout);

/** A server that keeps what it gets; `mishaps` are called before each answer, one by one. */
function makeServer({ mishaps = [], pending = 0 } = {}) {
  const server = { bytes: [], puts: 0, posts: [] };
  const stumble = () => mishaps.shift()?.(server);
  const take = (path, bytes) => {
    const offset = Number(path.split("offset=")[1]);
    if (offset !== server.bytes.length) {
      const rest = { received: server.bytes.length };
      throw new Refusal(409, { code: "wrong_offset", message: "no" }, null, rest);
    }
    for (const byte of new Uint8Array(bytes)) server.bytes.push(byte);
    return { received: server.bytes.length };
  };
  server.api = {
    async post(path, data) {
      server.posts.push(path);
      await stumble();
      if (path === "uploads/") {
        server.facts = data;
        return { received: server.bytes.length, piece: 300_000 };
      }
      if (pending > 0) {
        pending -= 1;
        return { state: "processing" };
      }
      return { attachment: { name: data.name, kind: "file" } };
    },
    async put(path, bytes) {
      server.puts += 1;
      await stumble();
      return take(path, bytes);
    },
  };
  server.take = take;
  return server;
}

function makeFile(size) {
  const bytes = new Uint8Array(size).map((_byte, place) => place % 251);
  return new File([bytes], "报告.pdf");
}

function makeSending(server, file, told = () => {}) {
  return new Sending(server.api, { uploadId: "u", name: file.name, kind: "file", file }, told);
}

const same = async (server, file) =>
  assert.deepEqual(new Uint8Array(server.bytes), new Uint8Array(await file.arrayBuffer()));

test("a file arrives whole, in pieces that grow", async () => {
  const [server, file, fractions] = [makeServer({ pending: 2 }), makeFile(1_000_000), []];
  const answer = await makeSending(server, file, (told) => fractions.push(told.fraction)).run();
  assert.equal(answer.attachment.kind, "file");
  await same(server, file);
  assert.deepEqual(server.facts, { id: "u", name: "报告.pdf", size: 1_000_000, kind: "file" });
  assert.ok(server.puts < 6);
  assert.equal(fractions.at(-1), 1);
  assert.equal(server.posts.filter((path) => path.endsWith("finish/")).length, 3);
});

test("what was lost on the way is sent again, and an answer that was lost is not", async () => {
  const file = makeFile(700_000);
  const trouble = [];
  const mishaps = [
    null,
    null,
    () => Promise.reject(new Unreachable("gone")),
    null,
    // It arrived, and its answer did not.
    async (server) => {
      server.take(
        `offset=${server.bytes.length}`,
        await file.slice(server.bytes.length, server.bytes.length + 5).arrayBuffer(),
      );
    },
    () => Promise.reject(new Refusal(503, { code: "unavailable", message: "busy" }, 1)),
  ];
  const server = makeServer({ mishaps });
  await makeSending(server, file, (told) => told.trouble && trouble.push(told.trouble)).run();
  await same(server, file);
  assert.deepEqual(trouble, ["offline", "busy"]);
});

test("a refusal ends it, and so does a wait that is too long", async () => {
  for (
    const refusal of [
      new Refusal(413, { code: "too_large", message: "zu groß" }),
      new Refusal(429, { code: "rate_limited", message: "heute nicht" }, 40_000),
    ]
  ) {
    const server = makeServer({ mishaps: [() => Promise.reject(refusal)] });
    await assert.rejects(makeSending(server, makeFile(10)).run(), refusal);
  }
});

test("what the disk of the server has lost is sent again", async () => {
  const lose = (server) => {
    server.bytes = [];
    throw new Refusal(409, { code: "not_finished", message: "no" }, null, { received: 0 });
  };
  const server = makeServer({ mishaps: [null, null, null, null, null, lose] });
  const file = makeFile(700_000);
  await makeSending(server, file).run();
  await same(server, file);
});

test("a file that has changed says so", async () => {
  const file = makeFile(10);
  file.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException("NotReadableError")) });
  await assert.rejects(makeSending(makeServer(), file).run(), Unreadable);
});

test("what is stopped sends nothing more", async () => {
  const file = makeFile(900_000);
  let sending = null;
  const server = makeServer({ mishaps: [null, null, () => sending.stop()] });
  sending = makeSending(server, file);
  await assert.rejects(sending.run());
  assert.equal(server.puts, 2);
});

test("what the server has forgotten begins again", async () => {
  const forget = (server) => {
    server.bytes = [];
    throw new Refusal(404, { code: "not_found", message: "weg" });
  };
  const mishaps = [null, null, null, forget].map((act) => act ?? (() => {}));
  const [server, file] = [makeServer({ mishaps }), makeFile(900_000)];
  await makeSending(server, file).run();
  await same(server, file);
  assert.equal(server.posts.filter((path) => path === "uploads/").length, 2);
});

test("one that is forgotten again and again is given up in words", async () => {
  const forget = (server) => {
    if (server.posts.at(-1) !== "uploads/" || server.puts) {
      throw new Refusal(404, { code: "not_found", message: "weg" });
    }
  };
  const server = makeServer({ mishaps: Array(99).fill(forget) });
  await assert.rejects(() => makeSending(server, makeFile(500)).run(), { message: "weg" });
});

test("nothing goes on listening for the next connection", async () => {
  const listening = new Set();
  document.addEventListener = (_name, act) => listening.add(act);
  document.removeEventListener = (_name, act) => listening.delete(act);
  const seen = [];
  const fail = () => Promise.reject(new Unreachable("gone"));
  const server = makeServer({ mishaps: [fail, fail] });
  const told = ({ trouble }) => trouble && seen.push(listening.size);
  await makeSending(server, makeFile(10), told).run();
  delete document.addEventListener;
  delete document.removeEventListener;
  assert.deepEqual([seen, listening.size], [[0, 0], 0]);
});
