import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Api, Refusal, Unreachable, wordsOf } from "../../static/js/api.js";

const body = { dataset: { base: "/", login: "/login/", csrf: "old", userId: "7" } };

let asked; // [address, token]
let answers;

beforeEach(() => {
  asked = [];
  globalThis.location = { href: "http://chat.test/chat/bob/" };
  globalThis.fetch = async (address, { headers } = {}) => {
    asked.push([address, headers?.["X-CSRFToken"]]);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return await answer;
  };
});

const json = (status, data) => ({
  ok: status < 400,
  status,
  headers: new Headers(),
  json: () => Promise.resolve(data),
});
const expired = json(403, { error: { code: "csrf", message: "Expired." } });
const page = (csrf, userId) => {
  globalThis.DOMParser = class {
    parseFromString() {
      return { body: { dataset: { csrf, userId } } };
    }
  };
  return { text: () => Promise.resolve("a page") };
};

test("a token that has been replaced is taken from a fresh page, and the request goes on", async () => {
  answers = [expired, page("new", "7"), json(200, { fine: true })];
  assert.deepEqual(await new Api(body).post("friends/"), { fine: true });
  assert.deepEqual(asked.map(([, token]) => token), ["old", undefined, "new"]);
});

test("each answer says what time the server has", async () => {
  const dates = [];
  const listening = new AbortController();
  const note = ({ detail }) => dates.push(detail.date);
  document.addEventListener("api:answered", note, { signal: listening.signal });
  answers = [{ ...json(200, {}), headers: new Headers({ Date: "Sun, 01 Mar 2026 04:00:29 GMT" }) }];
  await new Api(body).get("online/");
  listening.abort();
  assert.deepEqual(dates, ["Sun, 01 Mar 2026 04:00:29 GMT"]);
});

test("a fresh page that cannot be had may come later: the request is not refused for good", async () => {
  answers = [expired, new TypeError("offline")];
  const failure = await new Api(body).post("friends/").catch((error) => error);
  assert.ok(failure instanceof Unreachable);
  assert.equal(failure.isPassing, true);
});

test("the page of somebody else leaves the request refused", async () => {
  answers = [expired, page("new", "8")];
  const failure = await new Api(body).post("friends/").catch((error) => error);
  assert.ok(failure instanceof Refusal);
  assert.deepEqual([failure.code, failure.isPassing], ["csrf", false]);
});

test("errors that are nobody's answer have words, too", () => {
  assert.equal(wordsOf(new Refusal(400, { message: "No." })), "No.");
  assert.equal(wordsOf(new TypeError("x is undefined")), wordsOf(new Refusal(500, {})));
});

test("the present name of a friend is read from where an old address leads, and nowhere else", async () => {
  const api = new Api({ dataset: { ...body.dataset, base: "/chat/" } });
  const nameAt = (url, redirected = true) => {
    answers = [{ url: `http://chat.test${url}`, redirected }];
    return api.currentName("bob");
  };
  assert.equal(await nameAt("/chat/chat/%E6%9D%8E%E9%9B%B7/"), "李雷");
  assert.equal(await nameAt("/chat/chat/rob/", false), null);
  assert.equal(await nameAt("/chat/"), null);
  assert.equal(await nameAt("/chat/login/?next=/chat/chat/bob/"), null);
});
