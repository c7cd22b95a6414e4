// Beyond this a text is too long in any form, and normalizing it would be work for nothing.
const NORMALIZED_AT_MOST = 32_000; // code units

// What shows nothing: blanks, joiners, marks of direction, fillers, as `webchat/base/text.py` has it.
const NOTHING =
  /^[\s\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800\u{13430}-\u{1343f}\u{1d159}\u{16fe4}]*$/u;

export function showsNothing(words) {
  return NOTHING.test(words);
}

/** The length of a message as the server counts it: characters in NFC, without blanks around them. */
export function lengthOf(words) {
  const trimmed = words.trim();
  let length = 0;
  for (const _ of trimmed.length > NORMALIZED_AT_MOST ? trimmed : trimmed.normalize()) length += 1;
  return length;
}
