import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Lightbox } from "../../static/js/files/lightbox.js";
import { Element, makePage } from "./elements.mjs";

const turn = () => new Promise((resolve) => setTimeout(resolve));

class Dialog extends Element {
  open = false;
  showModal() {
    this.open = true;
  }
  close() {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  }
}

let page;
let dialog;
let stage;
let asked; // {path, answer, refuse}
let list;
let lightbox;

beforeEach(() => {
  dialog = new Dialog("dialog", "lightbox");
  for (const part of ["stage", "facts", "status", "name", "time", "save", "previous", "next"]) {
    dialog.append(new Element("p", `lightbox-${part}`));
  }
  page = makePage({ lightbox: dialog });
  stage = dialog.querySelector(".lightbox-stage");
  list = document.getElementById("messages");
  document.body.append(list, dialog);
  asked = [];
  const api = {
    conversation: (username) => `conversations/${username}/`,
    get: (path) => new Promise((answer, refuse) => asked.push({ path, answer, refuse })),
  };
  lightbox = new Lightbox({ api, username: () => "bob", list });
  lightbox.connect();
});

afterEach(() => lightbox.disconnect());

/** Put a picture or a film into the chat. */
function put(id, kind = "picture") {
  const message = new Element("li", "message", { id: String(id) });
  const link = new Element("a", `attachment ${kind}`, { name: `${id}.png` });
  link.href = `/attachments/${id}/`;
  message.append(link, new Element("time"));
  list.append(message);
  return link;
}

function dispatch(target, kind, { at = target, ...facts } = {}) {
  const event = Object.assign(new Event(kind, { cancelable: true }), facts);
  Object.defineProperty(event, "target", { value: at });
  target.dispatchEvent(event);
}

const open = (link) => dispatch(list, "click", { at: link });
const status = () => dialog.querySelector(".lightbox-status").textContent;
const shown = () => stage.firstElementChild;

for (
  const [what, kind, answer, words] of [
    ["a film that this browser cannot play", "video", { ok: true, status: 200 }, "cannot_play"],
    [
      "a picture that this browser cannot show",
      "picture",
      { ok: true, status: 200 },
      "cannot_show",
    ],
    ["one that has gone", "picture", { ok: false, status: 404 }, "file_gone"],
    ["one that the server does not give", "video", { ok: false, status: 503 }, "failed"],
    ["one that cannot be fetched", "picture", null, "no_network"],
  ]
) {
  test(`why nothing is seen of ${what}`, async (context) => {
    const fetched = context.mock.method(globalThis, "fetch", () => {
      return answer ? Promise.resolve(answer) : Promise.reject(new Error("offline"));
    });
    open(put(7, kind));
    assert.equal(status(), "");
    shown().dispatchEvent(new Event("error"));
    await turn();
    assert.equal(status(), words);
    assert.equal(page.toast?.textContent ?? "", "", "behind the dialog nobody reads it");
    const [url, { method }] = fetched.mock.calls[0].arguments;
    assert.deepEqual([url, method], ["/attachments/7/", "HEAD"]);
  });
}

test("what is said of one is not said of the next", async (context) => {
  context.mock.method(globalThis, "fetch", () => Promise.resolve({ ok: true, status: 200 }));
  const link = put(1);
  put(2);
  open(link);
  shown().dispatchEvent(new Event("error"));
  await turn();
  assert.equal(status(), "cannot_show");
  const left = shown();
  dispatch(dialog, "keydown", { at: stage, key: "ArrowRight" });
  assert.equal(status(), "");
  left.dispatchEvent(new Event("error"));
  await turn();
  assert.equal(status(), "");
});

test("one that is recalled gives way, and the dialog says so for a moment", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const link = put(1);
  put(2);
  open(link);
  const change = { detail: { message: { id: 1 } } };
  document.dispatchEvent(new CustomEvent("live:message_changed", change));
  assert.deepEqual([shown().src, status()], ["/attachments/2/", "file_gone"]);
  context.mock.timers.tick(4_000);
  assert.equal(status(), "");
});

test("the last one that is recalled closes the dialog, and the page says so", () => {
  open(put(1));
  const change = { detail: { message: { id: 1 } } };
  document.dispatchEvent(new CustomEvent("live:message_changed", change));
  assert.deepEqual([dialog.open, page.toast.textContent], [false, "file_gone"]);
});

test("older ones that could not be fetched are asked for once more", async () => {
  const link = put(1);
  put(2);
  open(link);
  asked[0].refuse(new Error("offline"));
  await turn();
  assert.equal(asked.length, 1);
  dispatch(dialog, "keydown", { at: stage, key: "ArrowRight" });
  dispatch(dialog, "keydown", { at: stage, key: "ArrowLeft" });
  const older = asked.filter(({ path }) => path.includes("before=1"));
  assert.equal(older.length, 2);
});

test("an answer to one visit is not for the next", async () => {
  const link = put(7);
  open(link);
  const [older] = asked;
  dialog.close();
  open(link);
  const attachment = { kind: "picture", url: "/attachments/3/", name: "3.png" };
  older.answer({ messages: [{ id: 3, time: "", attachment }], more: false });
  await turn();
  assert.ok(dialog.querySelector(".lightbox-previous").disabled);
  asked.find((each) => each !== older && each.path === older.path).answer({
    messages: [{ id: 3, time: "", attachment }],
    more: false,
  });
  await turn();
  assert.equal(dialog.querySelector(".lightbox-previous").disabled, false);
});

test("a finger leads to the next film, but not from the line of its time", () => {
  const link = put(1, "video");
  put(2, "video");
  open(link);
  const move = (y) => {
    shown().getBoundingClientRect = () => ({ bottom: 800 });
    const touch = { isPrimary: true, pointerType: "touch", pointerId: 1, clientY: y };
    dispatch(stage, "pointerdown", { at: shown(), clientX: 300, ...touch });
    dispatch(stage, "pointerup", { at: stage, clientX: 100, ...touch });
  };
  move(780);
  assert.equal(shown().src, "/attachments/1/");
  move(400);
  assert.equal(shown().src, "/attachments/2/");
});
