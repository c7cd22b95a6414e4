// The memory of this tab, which survives a reload and ends at the logout. Nothing of it may be left
// to the next person at a shared computer.
// Another chat below another path of the same address has the same storage, and people of the same ids.
const PREFIX = `webchat${(document.body.dataset.base ?? "/").slice(0, -1)}:`;
const OWN = `${PREFIX}${document.body.dataset.userId}:`;

export function remember(key, value) {
  try {
    if (value === null || value === "") sessionStorage.removeItem(OWN + key);
    else sessionStorage.setItem(OWN + key, JSON.stringify(value));
  } catch {
    // Full or forbidden storage costs a convenience, not a message.
  }
}

export function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(OWN + key));
  } catch {
    return null;
  }
}

export function forget() {
  forgetUnless(() => false);
}

/** Forget an earlier person, whose session ended without a logout in this tab. */
export function forgetOthers() {
  forgetUnless((key) => key.startsWith(OWN));
}

function forgetUnless(isKept) {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX) && !isKept(key)) sessionStorage.removeItem(key);
    }
  } catch {
    // Without storage, nothing is left in it.
  }
}
