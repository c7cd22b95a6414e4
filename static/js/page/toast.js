// The box that says something for a moment.
const SHOWN_FOR = 4_000; // ms

let timer;

/** Say something for a moment. */
export function toast(words) {
  const element = document.getElementById("toast");
  element.textContent = words;
  element.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => {
    element.hidden = true;
  }, SHOWN_FOR);
}
