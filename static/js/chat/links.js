// Links for the addresses in a message; everything else stays the text node that it was.

// Chinese, Japanese and Korean put no blank between an address and the words around it.
const CJK = // as blocks: a browser takes ten times as long to prepare the names of the scripts
  String.raw`\u1100-\u11ff\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3040-\u30fa\u30fc-\u9fff` +
  String.raw`\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\u{20000}-\u{3ffff}`;
// Blanks, what turns or hides text, quotes, dashes, emoji, and the punctuation of those scripts.
const ENDS =
  String.raw`\s\u200b-\u200f\u2028-\u202e\u2060-\u206f<>"'\x60\u2014\u2015\u2018-\u201f\u2026` +
  String.raw`\u3001-\u3003\u3008-\u301f\u3030\u30fb\uff00-\uffef\p{ExtPict}`;
const PLAIN = `[^${ENDS}${CJK}]`;
// Behind ASCII they end an address, but a part of it may begin with them: /wiki/中国, ?q=中国.
const TAIL = `(?:[/=#][${CJK}][^${ENDS}/?#&=]*|${PLAIN})*`;
const LABEL = String.raw`(?:[a-z\d-]+|[${CJK}][${CJK}a-z\d-]*)`;
const NAME_OF_THEIRS = String.raw`(?:[a-z\d-]+\.)*[${CJK}][${CJK}a-z\d-]*(?:\.${LABEL})+`;
const WITH_SCHEME = `https?://(?:${NAME_OF_THEIRS}|${PLAIN})${TAIL}`;
const WITH_WWW = String.raw`www(?:\.${LABEL})+\.[a-z]{2,}(?::\d+)?(?:(?=[/?#])${TAIL})?`;
const ADDRESS = new RegExp(`${WITH_SCHEME}|${WITH_WWW}`, "giu");

const WWW = /^www/i;
const GOES_ON = /[\w@.:/-]$/; // before “www”: then it is the rest of something else
const CLOSING = new Set(".,;:!?()[]{}");

/** Cut punctuation off the end of an address, but keep a bracket that was opened inside it. */
function trim(address) {
  let end = address.length;
  let open = address.split("(").length - address.split(")").length;
  while (CLOSING.has(address[end - 1])) {
    if (address[end - 1] === ")") {
      if (open >= 0) break;
      open += 1;
    } else if (address[end - 1] === "(") open -= 1;
    end -= 1;
  }
  return address.slice(0, end);
}

/** Where an address leads; http for one without a scheme, as GitHub's Markdown has it. */
function hrefOf(address) {
  return WWW.test(address) ? `http://${address}` : address;
}

/** Whether a browser would open it. `URL.canParse` is of 2023. */
function isAddress(address, before) {
  if (WWW.test(address) && GOES_ON.test(before)) return false;
  try {
    return Boolean(new URL(hrefOf(address)));
  } catch {
    return false;
  }
}

/** Cut `words` where addresses begin and end, into parts {words, isLink} that add up to it. */
export function splitAtLinks(words) {
  const parts = [];
  const add = (part, isLink) => part && parts.push({ words: part, isLink });
  let from = 0;
  for (const { 0: found, index } of words.matchAll(ADDRESS)) {
    const address = trim(found);
    if (!isAddress(address, words.slice(Math.max(0, index - 1), index))) continue;
    add(words.slice(from, index), false);
    add(address, true);
    from = index + address.length;
  }
  add(words.slice(from), false);
  return parts;
}

/** Fill `element` with `words`, addresses as links built from text nodes. */
export function showText(element, words) {
  const parts = splitAtLinks(words).map((part) => part.isLink ? makeLink(part.words) : part.words);
  element.replaceChildren(...parts);
}

function makeLink(address) {
  const link = document.createElement("a");
  link.href = hrefOf(address);
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.textContent = address;
  return link;
}
