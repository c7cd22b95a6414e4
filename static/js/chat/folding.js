// The change that each event of the log makes in a Map of chats. Nothing here touches the page.
import { text } from "../strings.js";
import { isMine, lineOf } from "./message.js";

const UNREAD_AT_MOST = 100; // as the API counts

/** The change of each kind of event to a Map of chats by username. */
export const FOLDS = {
  message: (chats, { message }) => foldMessage(chats, message),
  message_changed: (chats, { message }) => foldChange(chats, message),
  read: (chats, event) => change(chats, event.with, { unread: event.unread }),
  friend_added: (chats, { friend }) => foldFriend(chats, friend),
  friend_removed: (chats, { username }) => chats.delete(username),
  friend_changed: (chats, event) => foldRename(chats, event),
  conversation_changed: (chats, { conversation }) => put(chats, conversation),
};

/** Put a conversation from the API into the Map. */
export function put(chats, conversation) {
  chats.set(conversation.with, {
    with: conversation.with,
    remark: conversation.remark,
    avatar: conversation.avatar ?? null,
    unread: conversation.unread,
    pinned: Boolean(conversation.pinned),
    muted: Boolean(conversation.muted),
    markedUnread: Boolean(conversation.marked_unread),
    hidden: Boolean(conversation.hidden),
    ...last(conversation.last_message, nameOf(conversation)),
  });
}

/** Change the facts about a chat, if it exists. */
export function change(chats, username, changes) {
  const chat = chats.get(username);
  if (chat) Object.assign(chat, changes);
}

/** The visible chats: pinned first, then by the newest message; those without one as in the Map. */
export function inOrder(chats) {
  const shown = [...chats.values()].filter((chat) => !chat.hidden);
  return shown.sort((a, b) => b.pinned - a.pinned || b.lastId - a.lastId);
}

/** The unread messages of all chats that are not muted. */
export function countUnread(chats) {
  let sum = 0;
  for (const chat of chats.values()) if (!chat.muted) sum += chat.unread;
  return sum;
}

/** What the reader calls the friend. */
function nameOf(chat) {
  return chat.remark || chat.with;
}

function last(message, name) {
  if (!message) return { lastId: 0, lastText: "", lastAt: "" };
  return { lastId: message.id, lastText: lineOf(message, name), lastAt: message.sent_at };
}

function foldMessage(chats, message) {
  const chat = chats.get(message.with);
  if (!chat) return;
  if (!isMine(message)) chat.unread = Math.min(chat.unread + 1, UNREAD_AT_MOST);
  Object.assign(chat, last(message, nameOf(chat)), { hidden: false });
}

function foldChange(chats, message) {
  const chat = chats.get(message.with);
  if (chat?.lastId === message.id) Object.assign(chat, last(message, nameOf(chat)));
}

function foldFriend(chats, friend) {
  if (chats.has(friend.username)) return;
  const older = [...chats];
  chats.clear();
  const { username: name, remark, avatar } = friend;
  put(chats, { with: name, remark, avatar, unread: 0 });
  for (const [username, chat] of older) chats.set(username, chat);
}

function foldRename(chats, { old_username: old, friend }) {
  const chat = chats.get(old);
  if (!chat) return;
  const avatar = friend.avatar ?? null;
  const renamed = { ...chat, with: friend.username, remark: friend.remark, avatar };
  if (chat.lastText === recalledBy(chat)) renamed.lastText = recalledBy(renamed);
  const all = [...chats].map((entry) => entry[0] === old ? [friend.username, renamed] : entry);
  chats.clear();
  for (const [username, each] of all) chats.set(username, each);
}

function recalledBy(chat) {
  return text("recalled_theirs", { name: nameOf(chat) });
}
