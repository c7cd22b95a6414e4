// Follow new profile pictures: one's own wherever it is shown, a friend's on their page. The list,
// the contacts and the open chat follow by themselves.
import { showFace } from "./avatar.js";

const OWN = ":is(.tabs-me, .me, .card-of-mine, .message.mine) .avatar";

export function followFaces() {
  document.addEventListener("live:avatar_changed", ({ detail }) => showOwnFace(detail.avatar));
  document.addEventListener("live:friend_changed", ({ detail: { old_username: old, friend } }) => {
    const page = document.getElementById("contact");
    if (page?.dataset.with === old) showFace(page.querySelector(".avatar"), friend.avatar);
  });
}

/** Show one's own picture, or that there is none any more. */
export function showOwnFace(url) {
  const bubble = document.getElementById("message-template-mine")?.content;
  for (const part of [document, bubble]) {
    for (const avatar of part?.querySelectorAll(OWN) ?? []) showFace(avatar, url);
  }
  const removing = document.getElementById("face-remove");
  if (removing) removing.hidden = !url;
}
