// What stands in a bubble: the words, as large or as short as they deserve.
import { text } from "../strings.js";
import { showText } from "./links.js";

const FOLDED_FROM = 700; // characters
const FOLDED_LINES = 16;
const EMOJI_AT_MOST = 3; // that are shown large

/** Nothing but emoji; null where the browser does not know what those are. */
const onlyEmoji = (() => {
  try {
    return new RegExp(`^\\p{RGI_Emoji}{1,${EMOJI_AT_MOST}}$`, "v");
  } catch {
    return null;
  }
})();

export function showWords(bubble, words) {
  showText(bubble, words);
  const isLong = words.length > FOLDED_FROM || words.split("\n").length > FOLDED_LINES;
  bubble.classList.toggle("large", Boolean(onlyEmoji?.test(words)));
  bubble.classList.toggle("folded", isLong);
  bubble.parentElement.querySelector(".unfold")?.remove();
  if (isLong) bubble.parentElement.append(makeUnfold(bubble));
}

function makeUnfold(bubble) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "unfold";
  button.textContent = text("unfold");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    const isFolded = bubble.classList.toggle("folded");
    button.textContent = text(isFolded ? "unfold" : "fold");
    button.setAttribute("aria-expanded", String(!isFolded));
  });
  return button;
}
