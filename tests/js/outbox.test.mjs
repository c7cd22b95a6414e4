import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Refusal, Unreachable } from "../../static/js/api.js";
import { Outbox } from "../../static/js/chat/outbox.js";

/** A server that answers when the test says so; there is no socket. */
class Server {
  asked = []; // {path, data, answer, refuse}

  conversation(username) {
    return `conversations/${username}/`;
  }

  currentName() {
    return null;
  }

  post(path, data) {
    return new Promise((answer, refuse) => this.asked.push({ path, data, answer, refuse }));
  }
}

const noSocket = { request: () => null, check: () => false };
const letter = (clientId, to = "bob") => ({ clientId, to, text: `text ${clientId}` });
const settled = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

// A letter that a test leaves without an answer must not keep node waiting.
const { setInterval: repeat } = globalThis;
globalThis.setInterval = (...args) => {
  const timer = repeat(...args);
  timer.unref?.();
  return timer;
};

let server;
let outbox;
let told;
let listening;

beforeEach(() => {
  sessionStorage.removeItem("webchat:undefined:outbox");
  server = new Server();
  outbox = new Outbox(server, noSocket);
  told = [];
  listening = new AbortController();
  for (const what of ["sending", "sent", "failed"]) {
    const tell = ({ detail }) => told.push([what, detail.clientId, detail.reason]);
    document.addEventListener(`outbox:${what}`, tell, { signal: listening.signal });
  }
});

afterEach(() => listening.abort());

const ids = () => server.asked.map(({ data }) => data.client_id);
const waiting = (to = "bob") => outbox.lettersTo(to).map(({ clientId }) => clientId);

test("one at a time to each friend, so that their order holds", async () => {
  for (const each of [letter("1"), letter("2"), letter("3", "carol")]) outbox.add(each);
  assert.deepEqual(ids(), ["1", "3"]);
  server.asked[0].answer({ message: { id: 7 } });
  await settled();
  assert.deepEqual(ids(), ["1", "3", "2"]);
  assert.deepEqual(told, [["sent", "1", undefined]]);
  assert.deepEqual(waiting(), ["2"]);
});

test("letters to several friends go side by side, those to each in order", async () => {
  const all = [letter("1"), letter("2"), letter("3", "carol"), letter("4", "carol")];
  outbox.addAll(all);
  assert.deepEqual(ids(), ["1", "3"]);
  assert.deepEqual(JSON.parse(sessionStorage.getItem("webchat:undefined:outbox")), all);
  server.asked[1].refuse(new Refusal(403, { code: "blocked", message: "no" }));
  await settled();
  assert.deepEqual(ids(), ["1", "3", "4"]);
  assert.deepEqual(["1", "3", "4", "5"].map((id) => outbox.isWaiting(id)), [
    true,
    false,
    true,
    false,
  ]);
});

test("those that come too fast stay in order until the server has time for them", async () => {
  outbox.addAll(["1", "2", "3"].map((id) => letter(id)));
  server.asked[0].answer({ message: { id: 7 } });
  await settled();
  server.asked[1].refuse(new Refusal(429, { code: "rate_limited", message: "slowly" }, 0.02));
  await settled(40);
  server.asked[2].answer({ message: { id: 8 } });
  await settled();
  assert.deepEqual(ids(), ["1", "2", "2", "3"]);
});

test("a lost answer is asked for again under the same client_id", async () => {
  outbox.add(letter("1"));
  outbox.add(letter("2"));
  server.asked[0].refuse(Object.assign(new Unreachable("gone"), { retryAfter: 0.02 }));
  await settled();
  // The second waits for the first.
  assert.deepEqual([ids(), told], [["1"], [["failed", "1", null], ["failed", "2", null]]]);
  assert.equal(outbox.troubleOf(letter("3")), null);
  await settled(40);
  assert.deepEqual(ids(), ["1", "1"]);
});

test("what the server has no time for is sent again when it says", async () => {
  outbox.add(letter("1"));
  server.asked[0].refuse(new Refusal(429, { code: "rate_limited", message: "slowly" }, 0.02));
  await settled();
  assert.deepEqual(told, [["failed", "1", "slowly"]]);
  await settled(40);
  assert.deepEqual(ids(), ["1", "1"]);
});

test("what was refused waits for its writer and lets the next one pass", async () => {
  outbox.add(letter("1"));
  outbox.add(letter("2"));
  server.asked[0].refuse(new Refusal(400, { code: "blocked", message: "no" }));
  await settled();
  assert.deepEqual(ids(), ["1", "2"]);
  server.asked[1].answer({ message: { id: 8 } });
  await settled();
  assert.deepEqual(waiting(), ["1"]);
  outbox.retry("1");
  assert.deepEqual(ids(), ["1", "2", "1"]);
  assert.deepEqual(told.at(-1), ["sending", "1", undefined]);
});

test("a reload finds what had no answer", () => {
  outbox.add({ ...letter("1"), quote: { id: 5 } });
  const after = new Outbox(new Server(), noSocket);
  assert.deepEqual(after.lettersTo("bob"), [{ ...letter("1"), quote: { id: 5 } }]);
  assert.equal(server.asked[0].data.quote, 5);
});

test("what the log shows has arrived, whatever the answer was", () => {
  outbox.add(letter("1"));
  outbox.arrived("1");
  outbox.arrived("of another tab");
  assert.deepEqual(waiting(), []);
  assert.equal(sessionStorage.getItem("webchat:undefined:outbox"), null);
});

test("what was thrown away is not sent", async () => {
  outbox.add(letter("1"));
  outbox.add(letter("2"));
  outbox.discard("2");
  server.asked[0].answer({ message: { id: 7 } });
  await settled();
  assert.deepEqual(ids(), ["1"]);
});

test("a friend who has taken another name gets what waits, in order", async () => {
  outbox.add(letter("1"));
  outbox.add(letter("2"));
  server.currentName = () => Promise.resolve("rob");
  server.asked[0].refuse(new Refusal(404, { code: "not_found", message: "nobody" }));
  await settled(10);
  assert.deepEqual([waiting(), waiting("rob")], [[], ["1", "2"]]);
  assert.equal(server.asked[1].path, "conversations/rob/messages/");
  assert.deepEqual(ids(), ["1", "1"]);
  assert.deepEqual(told, []);
});

test("an open socket is asked instead of the API", async () => {
  const frames = [];
  const request = (frame) => {
    frames.push(frame);
    return Promise.resolve({ message: { id: 9 } });
  };
  new Outbox(server, { ...noSocket, request }).add(letter("1"));
  await settled();
  assert.deepEqual(frames, [{ type: "send", to: "bob", client_id: "1", text: "text 1" }]);
  assert.deepEqual(server.asked, []);
});

/** An outbox with a socket that answers nothing, and whose pings are answered or not. */
function silent(context, check) {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const mute = new Outbox(server, { request: () => new Promise(() => {}), check });
  mute.add(letter("1"));
  mute.add(letter("2"));
  return mute;
}

test("a connection without any sign of life shows what waits as not sent within 5 s", (context) => {
  const mute = silent(context, () => false);
  context.mock.timers.tick(2_000);
  assert.deepEqual([told, mute.troubleOf(letter("1"))], [[], undefined]);
  context.mock.timers.tick(2_900);
  assert.deepEqual(told, [["failed", "1", null], ["failed", "2", null]]);
  context.mock.timers.tick(20_000);
  assert.equal(told.length, 2);
});

test("a server that answers pings is slow, and no letter counts as not sent", (context) => {
  silent(context, () => true);
  context.mock.timers.tick(20_000);
  assert.deepEqual(told, []);
});

test("the browser's word that there is no network shows it at once, and a sign of life takes it back", (context) => {
  const mute = silent(context, () => true);
  mute.start();
  dispatchEvent(new Event("offline"));
  assert.deepEqual(told, [["failed", "1", null], ["failed", "2", null]]);
  document.dispatchEvent(new CustomEvent("feed:working"));
  assert.deepEqual(told.slice(2), [["sending", "1", undefined], ["sending", "2", undefined]]);
});

test("a success says that the others are on their way again", async () => {
  outbox.add(letter("1"));
  outbox.add(letter("2"));
  server.asked[0].refuse(Object.assign(new Unreachable("gone"), { retryAfter: 0.02 }));
  await settled(40);
  server.asked[1].answer({ message: { id: 7 } });
  await settled();
  assert.deepEqual(told.slice(2), [["sent", "1", undefined], ["sending", "2", undefined]]);
});

test("after an unblocking a letter says no more than that it was not sent", async () => {
  outbox.start();
  outbox.add(letter("1"));
  outbox.add(letter("2", "carol"));
  server.asked[0].refuse(new Refusal(403, { message: "blocked" }));
  server.asked[1].refuse(new Refusal(403, { message: "too long" }));
  await settled();
  for (const username of ["bob", "carol"]) {
    const detail = { old_username: username, friend: { username, blocked: false } };
    document.dispatchEvent(new CustomEvent("live:friend_changed", { detail }));
  }
  assert.deepEqual(told.at(-1), ["failed", "1", "not_sent"]);
  assert.equal(outbox.isWaiting("1"), false);
});
