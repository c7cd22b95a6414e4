// What this tab remembers across reloads, and forgets at the logout: nothing of it may be left
// to the next person at a shared computer.
const PREFIX = "webchat:";

export function remember(key, value) {
  try {
    if (value === null || value === "") sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs a convenience, not a message.
  }
}

export function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + key));
  } catch {
    return null;
  }
}

export function forget() {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    }
  } catch {
    // Where there is no storage, nothing is left in it.
  }
}
