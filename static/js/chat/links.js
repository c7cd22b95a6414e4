// Addresses in a message become links; everything else stays the text node it was.
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

/** Fill `element` with `words`, addresses as links built from text nodes. */
export function showText(element, words) {
  const parts = [];
  let from = 0;
  for (const { 0: found, index } of words.matchAll(ADDRESS)) {
    const address = trim(found);
    if (!URL.canParse(address)) continue;
    const link = document.createElement("a");
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    link.textContent = address;
    parts.push(words.slice(from, index), link);
    from = index + address.length;
  }
  element.replaceChildren(...parts, words.slice(from));
}
