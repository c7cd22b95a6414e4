// The words in a bubble, as large or as short as they deserve.
import { text } from "../strings.js";
import { makeCode, makeFence, splitAtCode } from "./code.js";
import { showText } from "./links.js";

const FOLDED_FROM = 700; // characters
const FOLDED_LINES = 16;
const EMOJI_AT_MOST = 3; // are shown large

const LONGEST = 20; // code units of one emoji, and more
const EMOJI_BEGINS = /^[\p{Extended_Pictographic}\p{Regional_Indicator}#*0-9]/u;
let onlyEmoji; // made on demand: it is large

/** Whether there is nothing but emoji; false if the browser does not know them. */
function isOnlyEmoji(words) {
  if (words.length > EMOJI_AT_MOST * LONGEST || !EMOJI_BEGINS.test(words)) return false;
  onlyEmoji ??= makeOnlyEmoji();
  return onlyEmoji.test(words);
}

function makeOnlyEmoji() {
  try {
    return new RegExp(`^\\p{RGI_Emoji}{1,${EMOJI_AT_MOST}}$`, "v");
  } catch {
    return /^$/;
  }
}

/** Fill a bubble; its text content stays `words`, whatever it looks like. */
export function showWords(bubble, words) {
  bubble.textContent = words; // stays if the rest fails
  const parts = splitAtCode(words);
  if (parts.some(({ kind }) => kind === "code")) bubble.replaceChildren(...parts.map(makePart));
  else showText(bubble, words);
  const isLong = words.length > FOLDED_FROM || words.split("\n").length > FOLDED_LINES;
  bubble.classList.toggle("large", isOnlyEmoji(words));
  bubble.classList.toggle("folded", isLong);
  bubble.parentElement.querySelector(".unfold")?.remove();
  if (isLong) bubble.parentElement.append(makeUnfold());
}

function makePart({ words, kind }) {
  if (kind === "code") return makeCode(words);
  if (kind === "fence") return makeFence(words);
  const part = document.createElement("span");
  showText(part, words);
  return part;
}

function makeUnfold() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "unfold";
  button.textContent = text("unfold");
  button.setAttribute("aria-expanded", "false");
  return button;
}

/** Show all of the words above the button, or no longer. */
export function toggleFold(button) {
  const isFolded = button.parentElement.querySelector(".bubble").classList.toggle("folded");
  button.textContent = text(isFolded ? "unfold" : "fold");
  button.setAttribute("aria-expanded", String(!isFolded));
}
