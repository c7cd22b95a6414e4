// Links for the addresses in a message; everything else stays the text node that it was.
const ADDRESS = /https?:\/\/[^\s<>"'`\u3000-\u303f\uff00-\uffef]+/gi;
const TRAILING = /[.,;:!?)\]}、，。；：！？）】》]+$/;

/** Cut closing punctuation off an address, but keep a bracket that was opened inside it. */
function trim(address) {
  let end = address.length;
  for (;;) {
    const cut = address.slice(0, end).replace(TRAILING, "");
    if (cut.length === end) return cut;
    const removed = address[cut.length];
    if (removed === ")" && cut.split("(").length > cut.split(")").length) {
      return address.slice(0, cut.length + 1);
    }
    end = cut.length;
  }
}

/** Cut `words` where addresses begin and end, into parts {words, isLink} that add up to it. */
export function splitAtLinks(words) {
  const parts = [];
  const add = (part, isLink) => part && parts.push({ words: part, isLink });
  let from = 0;
  for (const { 0: found, index } of words.matchAll(ADDRESS)) {
    const address = trim(found);
    if (!URL.canParse(address)) continue;
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
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.textContent = address;
  return link;
}
