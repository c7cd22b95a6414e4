// The live check of a name while it is typed, and the step from 注册成功 to the login.
import { text } from "../strings.js";
import { PATIENCE, within } from "./patience.js";

const PAUSE = 300; // ms without a keystroke

export function watchNames(form) {
  if (!form) return;
  const input = form.elements.username;
  const hint = document.getElementById(`${input.id}_helptext`);
  let timer;
  let asked = 0;

  const show = (words, mood) => {
    hint.textContent = words;
    hint.className = `field-hint ${mood}`;
  };

  const check = async () => {
    const number = ++asked;
    const username = input.value.trim();
    if (!username) return show("", "");
    const url = `${form.dataset.checkUrl}?username=${encodeURIComponent(username)}`;
    try {
      const ask = async (signal) => (await fetch(url, { signal })).json();
      const answer = await within(PATIENCE, ask);
      // Ignore an answer about an earlier name.
      if (number !== asked || answer.available === undefined) return;
      show(answer.available ? text("name_free") : answer.reason, answer.available ? "good" : "bad");
    } catch {
      show("", "");
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    show("", "");
    form.querySelector(".field-error")?.remove();
    timer = setTimeout(check, PAUSE);
  });
}

export function watchRedirect(element) {
  if (!element) return;
  setTimeout(() => location.replace(element.dataset.redirect), Number(element.dataset.delay));
}

/** A button that is disabled until its seconds are over. */
export function watchCountdown(button) {
  if (!button) return;
  const words = button.textContent;
  let seconds = Number(button.dataset.countdown);
  const tick = () => {
    button.disabled = seconds > 0;
    button.textContent = seconds > 0 ? `${words} (${seconds})` : words;
    if (seconds > 0) setTimeout(tick, 1_000);
    seconds -= 1;
  };
  tick();
}
