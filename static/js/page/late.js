// The second script: what no page shows at first. It comes once the page is live, so that it keeps
// nothing waiting, or with the first touch or key, so that it is there when it is asked for.
import { attempt } from "./attempt.js";

const AFTER_LIVE = 1_000; // ms that belong to what the reader opens first
const AFTER_FAILURE = 5_000; // ms before a touch or a key tries again

const waiting = new Set();
let parts = null;
let isComing = false;
let tries = 0;
let failedAt = -Infinity;

/** Call `use` with the parts as soon as they are here. Returns a function that undoes this. */
export function onLate(use) {
  if (parts) use(parts);
  else waiting.add(use);
  return () => waiting.delete(use);
}

/** The same, and fetch them at once: the reader waits. */
export function needLate(use) {
  const undo = onLate(use);
  fetchLate();
  return undo;
}

/** The second script hands over its parts. */
export function arrive(them) {
  parts = them;
  for (const use of waiting) attempt(() => use(parts));
  waiting.clear();
}

export function watchLate() {
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, onTouch, true);
  // Each time, as it may have failed for want of a network.
  document.addEventListener("feed:working", () => setTimeout(fetchLate, AFTER_LIVE));
}

function onTouch() {
  if (performance.now() - failedAt >= AFTER_FAILURE) fetchLate();
}

async function fetchLate() {
  if (parts || isComing) return;
  isComing = true;
  const url = new URL(document.body.dataset.late, location.href);
  // Browsers remember under its address that a script has failed.
  if (tries) url.searchParams.set("try", tries);
  tries += 1;
  try {
    await import(url.href);
  } catch (error) {
    failedAt = performance.now();
    console.warn(error.message);
  } finally {
    isComing = false;
  }
}
