import assert from "node:assert/strict";
import { test } from "node:test";
import { countUnread, FOLDS, inOrder, put } from "../../static/js/chat/folding.js";

const message = (id, sender, more = {}) => ({
  id,
  sender,
  with: "bob",
  state: "sent",
  text: `text ${id}`,
  sent_at: `2026-03-01T12:00:${id}Z`,
  ...more,
});

/** The chats of alice with bob and carol. */
function chats() {
  const map = new Map();
  put(map, { with: "bob", remark: "", unread: 0, last_message: message(10, "bob") });
  put(map, { with: "carol", remark: "C", unread: 2, pinned: false, muted: true });
  return map;
}

const fold = (map, kind, event) => FOLDS[kind](map, event);

test("a friend's message counts, and one's own does not", () => {
  const map = chats();
  fold(map, "message", { message: message(11, "bob") });
  fold(map, "message", { message: message(12, "alice") });
  const { unread, lastId, lastText } = map.get("bob");
  assert.deepEqual({ unread, lastId, lastText }, { unread: 1, lastId: 12, lastText: "text 12" });
});

test("it counts to a hundred, as the API does", () => {
  const map = chats();
  for (let id = 11; id < 131; id += 1) fold(map, "message", { message: message(id, "bob") });
  assert.equal(map.get("bob").unread, 100);
});

test("a message brings a chat back that was put away", () => {
  const map = chats();
  map.get("bob").hidden = true;
  fold(map, "message", { message: message(11, "bob") });
  assert.equal(map.get("bob").hidden, false);
});

test("nothing is known of a chat that is not there", () => {
  const map = chats();
  fold(map, "message", { message: message(11, "dave", { with: "dave" }) });
  fold(map, "read", { with: "dave", unread: 3 });
  fold(map, "friend_changed", { old_username: "dave", friend: { username: "d", remark: "" } });
  assert.deepEqual([...map.keys()], ["bob", "carol"]);
});

test("only a change of the last message changes the row", () => {
  const map = chats();
  fold(map, "message_changed", { message: message(9, "bob", { state: "recalled" }) });
  assert.equal(map.get("bob").lastText, "text 10");
  fold(map, "message_changed", { message: message(10, "bob", { state: "recalled" }) });
  assert.equal(map.get("bob").lastText, "recalled_theirs");
});

test("what was read elsewhere is read here", () => {
  const map = chats();
  fold(map, "read", { with: "carol", unread: 1 });
  assert.equal(map.get("carol").unread, 1);
});

test("a new friend has a chat that is neither pinned nor muted", () => {
  const map = chats();
  fold(map, "friend_added", { friend: { username: "dave", remark: "" } });
  const { pinned, muted, hidden, markedUnread, lastId } = map.get("dave");
  assert.deepEqual([pinned, muted, hidden, markedUnread, lastId], [false, false, false, false, 0]);
});

test("a friend who is there already keeps the chat as it stands", () => {
  const map = chats();
  fold(map, "friend_added", { friend: { username: "carol", remark: "other" } });
  assert.equal(map.get("carol").unread, 2);
});

test("a friend who is gone takes the chat along", () => {
  const map = chats();
  fold(map, "friend_removed", { username: "bob" });
  assert.deepEqual([...map.keys()], ["carol"]);
});

test("a new name keeps what is known", () => {
  const map = chats();
  fold(map, "friend_changed", { old_username: "carol", friend: { username: "caro", remark: "K" } });
  const { with: name, remark, unread } = map.get("caro");
  assert.deepEqual([name, remark, unread, map.has("carol")], ["caro", "K", 2, false]);
});

test("pinned chats stand first, those put away nowhere", () => {
  const map = chats();
  put(map, { with: "dave", unread: 0, pinned: true });
  put(map, { with: "eve", unread: 0, hidden: true });
  assert.deepEqual(
    inOrder(map).map((chat) => chat.with),
    ["dave", "bob", "carol"],
  );
});

test("muted chats do not call for attention", () => {
  const map = chats();
  assert.equal(countUnread(map), 0);
  fold(map, "read", { with: "bob", unread: 4 });
  assert.equal(countUnread(map), 4);
});

test("of chats without a message the newest friend's comes first, and a new name keeps its place", () => {
  const map = new Map();
  for (const username of ["ann", "ben", "cem"]) {
    fold(map, "friend_added", { friend: { username, remark: "" } });
  }
  assert.deepEqual(inOrder(map).map((chat) => chat.with), ["cem", "ben", "ann"]);
  fold(map, "friend_changed", { old_username: "ben", friend: { username: "zoe", remark: "" } });
  assert.deepEqual(inOrder(map).map((chat) => chat.with), ["cem", "zoe", "ann"]);
});

test("a friend's picture comes with the chat, and follows its changes", () => {
  const map = new Map();
  put(map, { with: "bob", remark: "", unread: 0, avatar: "/avatars/1/" });
  fold(map, "friend_added", { friend: { username: "eve", remark: "", avatar: "/avatars/2/" } });
  assert.deepEqual([...map.values()].map(({ avatar }) => avatar), ["/avatars/2/", "/avatars/1/"]);
  const friend = { username: "bob", remark: "", avatar: "/avatars/3/" };
  fold(map, "friend_changed", { old_username: "bob", friend });
  assert.equal(map.get("bob").avatar, "/avatars/3/");
  fold(map, "friend_changed", { old_username: "bob", friend: { ...friend, avatar: null } });
  assert.equal(map.get("bob").avatar, null);
});
