// Find friends by name, remark and pinyin among the rows of the list.

const APOSTROPHES = /['’]/g; // between syllables, as input methods write xi'an
const DOUBLE_INITIAL = /^[zcs]h/;

const TYPED_AT_MOST = 400; // code units: four times the characters that a search may have
const NOBODY = "\n"; // the key of a longer text: no name holds it

const UNSEEN = /[\s\p{Default_Ignorable_Code_Point}]+/gu;

/** The form in which names are compared. */
export function key(words) {
  if (words.length > TYPED_AT_MOST) return NOBODY;
  return words.replace(UNSEEN, "").normalize("NFKC").toLowerCase();
}

/** Whether a friend matches a search, given as a key: the rule of the server's `find_friends`. */
export function isNamed({ username, remark, readings = "" }, wanted) {
  if (key(username).includes(wanted) || key(remark).includes(wanted)) return true;
  const typed = wanted.replace(/ü/g, "v");
  // A name may hold an apostrophe itself.
  const ways = new Set([typed, typed.replace(APOSTROPHES, "")]);
  return [...ways].some((each) => each && spells(each, readings));
}

/**
 * Whether letters spell one of the names from some character on, in full or by initials.
 *
 * `readings` is as `chong/zhong/重 qing/庆;xiao/小 zhang/张`. One letter must begin a name, since
 * every other name holds it.
 */
function spells(typed, readings) {
  return readings.split(";").filter(Boolean).some((name) => {
    const units = name.split(" ");
    const starts = typed.length > 1 ? units.length : 1;
    for (let start = 0; start < starts; start++) {
      if (goesThrough(typed, units.slice(start))) return true;
    }
    return false;
  });
}

function goesThrough(typed, units) {
  let reached = new Set([0]); // places in what was typed
  for (const unit of units) {
    const ways = unit.split("/");
    const next = new Set();
    for (const place of reached) {
      for (const way of ways) {
        if (way.startsWith(typed.slice(place))) return true;
        for (const part of parts(way)) {
          if (typed.startsWith(part, place)) next.add(place + part.length);
        }
      }
    }
    reached = next;
  }
  return false;
}

/** The letters that may stand for a character before another one. */
function parts(way) {
  return DOUBLE_INITIAL.test(way) ? [way, way[0], way.slice(0, 2)] : [way, way[0]];
}
