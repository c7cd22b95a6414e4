// The box that says something for a moment.
const SHOWN_FOR = 4_000; // ms
const NOTICE_SHOWN_FOR = 8_000; // ms; it has more words

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

/** Say for a moment what the server says on a page that is not shown; whether it says anything. */
export function toastNotices(page) {
  const words = [...page.querySelectorAll(".notice")].map((notice) => notice.textContent);
  if (words.length) toast(words.join("\n"));
  return words.length > 0;
}

/** Take the server's notices off the page: good news after a while, an error when it is clicked. */
export function passNotices() {
  for (const list of document.querySelectorAll(".notices")) {
    list.addEventListener("click", () => list.remove());
    if (!list.querySelector(".error")) setTimeout(() => list.remove(), NOTICE_SHOWN_FOR);
  }
}
