// Code in a message: between three backticks, or four or more lines that begin with blanks.
import { copy } from "../page/clipboard.js";
import { text } from "../strings.js";

const FENCE = "```";
const LANGUAGE = /^[ \t]*(?:[\w+#.-]+[ \t]*)?\n/; // what may stand behind the first three backticks
const BREAK = /[ \t]*\n?/y; // between the last three and the words after them
const LINES = 4; // that begin with blanks
const INDENTED = /^[ \t]+\S/; // not the wide blanks with which Chinese paragraphs begin
const OPENING = /[:{([]\s*$/; // the line above belongs to the block
const CLOSING = /^[})\]]/; // and so does the line below
const HAN = /\p{Script=Han}/u;

/** Cut `words` into parts {words, kind: "text" | "fence" | "code"} that add up to it. */
export function splitAtCode(words) {
  const parts = [];
  let from = 0;
  for (;;) {
    const open = words.indexOf(FENCE, from);
    const close = open < 0 ? -1 : words.indexOf(FENCE, open + FENCE.length);
    if (close < 0) break;
    parts.push(...splitAtIndented(words.slice(from, open), from === 0));
    from = close + FENCE.length;
    BREAK.lastIndex = from;
    from += BREAK.exec(words)[0].length;
    parts.push(...cutFence(words.slice(open, from)));
  }
  parts.push(...splitAtIndented(words.slice(from), from === 0));
  return parts.filter((part) => part.words);
}

/** Cut what begins and ends with a fence; without anything in it, it is a text. */
function cutFence(words) {
  const inside = words.slice(FENCE.length);
  const start = FENCE.length + (LANGUAGE.exec(inside)?.[0].length ?? 0);
  const code = words.slice(start, words.lastIndexOf(FENCE)).replace(/\n$/, "");
  if (!code.trim()) return [{ words, kind: "text" }];
  return [
    { words: words.slice(0, start), kind: "fence" },
    { words: code, kind: "code" },
    { words: words.slice(start + code.length), kind: "fence" },
  ];
}

function splitAtIndented(words, isStart) {
  const lines = words.match(/[^\n]*\n|[^\n]+/g) ?? [];
  const parts = [];
  let from = 0;
  for (let index = 0; index < lines.length; index += 1) {
    if (!INDENTED.test(lines[index])) continue;
    const block = blockAt(lines, index, isStart);
    index = block.end - 1;
    if (!block.isCode) continue;
    parts.push(...cutBlock(lines, from, block));
    from = block.end;
  }
  return [...parts, { words: lines.slice(from).join(""), kind: "text" }];
}

/** The lines from `first`, which begins with blanks, as far as others do: [start, end). */
function blockAt(lines, first, isStart) {
  let end = first;
  let count = 0;
  for (let index = first; index < lines.length; index += 1) {
    if (INDENTED.test(lines[index])) {
      count += 1;
      end = index + 1;
    } else if (lines[index].trim()) break;
  }
  const above = lines[first - 1] ?? "";
  // The blanks at the beginning of a message are trimmed when it is sent.
  const isTrimmed = isStart && first === 1 && !HAN.test(above);
  if (CLOSING.test(lines[end] ?? "")) end += 1;
  const start = isTrimmed || OPENING.test(above) ? first - 1 : first;
  return { start, end, isCode: count + isTrimmed >= LINES };
}

/** The text after `from`, and the block; one line may close a block and open the next. */
function cutBlock(lines, from, { start, end }) {
  const code = lines.slice(Math.max(from, start), end).join("");
  return [
    { words: lines.slice(from, start).join(""), kind: "text" },
    { words: code.replace(/\n$/, ""), kind: "code" },
    { words: code.endsWith("\n") ? "\n" : "", kind: "fence" },
  ];
}

/** An element that shows code; as its text it has the code alone, so its button has a mere label. */
export function makeCode(words) {
  const block = document.createElement("div");
  block.className = "code";
  block.dir = "ltr";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "code-copy";
  button.setAttribute("aria-label", text("copy"));
  button.addEventListener("click", () => copy(words));
  const code = document.createElement("pre");
  code.tabIndex = 0; // it scrolls
  code.textContent = words;
  block.append(button, code);
  return block;
}

/** The backticks around code: part of the text, but not shown. */
export function makeFence(words) {
  const fence = document.createElement("span");
  fence.hidden = true;
  fence.textContent = words;
  return fence;
}
