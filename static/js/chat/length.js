// Characters that NFC makes one of (U+1F82). A text of more for each that may be sent is too long in
// any form, and normalizing takes the square of its length.
const TYPED_FOR_ONE = 4;

// Blanks and all else that shows nothing, joiners, marks of direction, fillers, as `webchat/base/text.py` has it.
const NOTHING =
  /^[\s\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800\u{13430}-\u{1343f}\u{1d159}\u{16fe4}]*$/u;

export function showsNothing(words) {
  return NOTHING.test(words);
}

/**
 * The length of a message as the server counts it: characters in NFC, without blanks around them.
 * Where they are more than four times the limit before that, so many are they.
 */
export function lengthOf(words, limit) {
  const trimmed = words.trim();
  const typed = count(trimmed);
  return typed > TYPED_FOR_ONE * limit ? typed : count(trimmed.normalize());
}

function count(characters) {
  let length = 0;
  for (const _ of characters) length += 1;
  return length;
}
