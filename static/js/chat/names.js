// Follow new names: a draft moves along with its friend, and one's own name reloads the page.
import { recall, remember } from "../page/memory.js";

export function followNames() {
  document.addEventListener("live:friend_changed", ({ detail }) => {
    const { old_username: old, friend } = detail;
    const draft = recall(`draft:${old}`);
    if (old === friend.username || draft === null) return;
    remember(`draft:${old}`, null);
    remember(`draft:${friend.username}`, draft);
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
