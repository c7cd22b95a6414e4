import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

const { watchMail } = await import("../../static/js/page/mail_state.js");

const server = { state: "", redirected: false, isDown: false, asked: 0 };
const seen = { typed: "", loaded: 0 };

globalThis.fetch = () => {
  server.asked += 1;
  if (server.isDown) return Promise.reject(new TypeError("no network"));
  const { redirected, state } = server;
  return Promise.resolve({ redirected, text: () => Promise.resolve(state) });
};
globalThis.DOMParser = class {
  parseFromString(text) {
    return { querySelector: () => ({ dataset: { mailState: text } }) };
  }
};
globalThis.location = { href: "/register/verify/", replace: () => (seen.loaded += 1) };
document.querySelector = () => ({ value: seen.typed });

const pass = async (looks) => {
  for (let n = 0; n < looks; n += 1) {
    mock.timers.tick(3_000);
    await new Promise((done) => setImmediate(done));
  }
};

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(server, { state: "", redirected: false, isDown: false, asked: 0 });
  Object.assign(seen, { typed: "", loaded: 0 });
});

test("a mail whose outcome is known, or that is none, is not asked for", async () => {
  watchMail(null);
  watchMail({ dataset: { mailState: "failed" } });
  await pass(3);
  assert.equal(server.asked, 0);
});

test("the page is loaded again once the mail has failed", async () => {
  watchMail({ dataset: { mailState: "" } });
  await pass(2);
  assert.deepEqual([server.asked, seen.loaded], [2, 0]);
  server.isDown = true;
  await pass(1);
  Object.assign(server, { isDown: false, state: "failed" });
  await pass(3);
  assert.deepEqual([server.asked, seen.loaded], [4, 1]);
});

test("whoever was confirmed meanwhile is led on", async () => {
  server.redirected = true;
  watchMail({ dataset: { mailState: "" } });
  await pass(1);
  assert.equal(seen.loaded, 1);
});

test("nothing is taken from somebody who types, and no page asks for ever", async () => {
  watchMail({ dataset: { mailState: "" } });
  await pass(30);
  assert.equal(server.asked, 20);
  Object.assign(seen, { typed: "12" });
  server.state = "sent";
  watchMail({ dataset: { mailState: "" } });
  await pass(2);
  assert.equal(seen.loaded, 0);
});
