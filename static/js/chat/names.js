// Move a draft along when the friend whom it is for takes another name.
import { recall, remember } from "../page/memory.js";

export function followNames() {
  document.addEventListener("live:friend_changed", ({ detail }) => {
    const { old_username: old, friend } = detail;
    const draft = recall(`draft:${old}`);
    if (old === friend.username || draft === null) return;
    remember(`draft:${old}`, null);
    remember(`draft:${friend.username}`, draft);
  });
  let isLeaving = false; // by a form, whose answer is not to be missed
  addEventListener("submit", (event) => {
    isLeaving ||= !event.defaultPrevented;
  });
  // One's own name stands in too many places; what was typed is kept over the reload.
  document.addEventListener("live:renamed", () => {
    if (!isLeaving) location.replace(location.pathname + location.search);
  });
}
