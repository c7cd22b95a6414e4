// The outcome of a mail that was still on its way when the page was made.
import { PATIENCE, within } from "./patience.js";

const PAUSE = 3_000; // ms between two looks
const LOOKS = 20; // a minute: a mail server that hangs is given up after 10 s at each step

/** Load the page again once the mail has gone out or failed, unless digits are being typed. */
export function watchMail(state) {
  if (!state || state.dataset.mailState) return;
  let looks = 0;

  const ask = async (signal) => {
    const answer = await fetch(location.href, { signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("[data-mail-state]");
    return answer.redirected || Boolean(now?.dataset.mailState);
  };

  const look = async () => {
    const isOver = await within(PATIENCE, ask).catch(() => false);
    const typed = document.querySelector("[name=code]")?.value;
    if (isOver && !typed) return location.replace(location.href);
    if (!isOver && ++looks < LOOKS) setTimeout(look, PAUSE);
  };

  setTimeout(look, PAUSE);
}
