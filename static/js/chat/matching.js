// Find friends by name, remark and pinyin among the rows of the list.

/** The form in which names are compared. */
export function key(words) {
  return words.normalize("NFKC").toLowerCase().replace(/\s+/g, "");
}

/** Whether a friend matches a search, given as a key: the rule of the server's `find_friends`. */
export function isNamed({ username, remark, readings = "" }, wanted) {
  if (key(username).includes(wanted) || key(remark).includes(wanted)) return true;
  if (wanted.length > 1) return readings.includes(wanted);
  return readings.split(" ").some((reading) => reading.startsWith(wanted));
}
