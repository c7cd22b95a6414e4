// Follow new names: a draft and its quote move along with their friend, and one's own name reloads the page.
import { recall, remember } from "../page/memory.js";

export function followNames() {
  document.addEventListener("live:friend_changed", ({ detail }) => {
    const { old_username: old, friend } = detail;
    if (old === friend.username) return;
    move(`draft:${old}`, `draft:${friend.username}`, (draft) => draft);
    move(`quote:${old}`, `quote:${friend.username}`, (quote) => (
      quote.sender === old ? { ...quote, sender: friend.username } : quote
    ));
  });
  let isLeaving = false; // by a form, whose answer must not be missed
  addEventListener("submit", (event) => {
    isLeaving ||= !event.defaultPrevented;
  });
  // One's own name is in too many places: reload, and keep the typed text.
  document.addEventListener("live:renamed", () => {
    if (!isLeaving) location.replace(location.pathname + location.search);
  });
}

function move(from, to, rename) {
  const kept = recall(from);
  if (kept === null) return;
  remember(from, null);
  remember(to, rename(kept));
}
