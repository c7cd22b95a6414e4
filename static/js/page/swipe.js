// A swipe from the left edge of a phone goes back, where the system has no such gesture itself.
import { isDialogOpen } from "./focus.js";

const EDGE = 24; // px from the edge in which the finger begins
const FAR = 72; // px to the right
const SLOPE = 0.6; // px up or down for each px to the right, at most

let start = null;

export function watchSwipes() {
  const passive = { passive: true };
  document.addEventListener("touchstart", onStart, passive);
  document.addEventListener("touchend", onEnd, passive);
  // The system has made the touch its own.
  document.addEventListener("touchcancel", forget, passive);
}

function onStart({ touches }) {
  const [{ identifier, clientX: x, clientY: y }] = touches;
  const { index } = history.state ?? {}; // of the page, whose address may change meanwhile
  start = touches.length === 1 && x <= EDGE ? { identifier, x, y, index } : null;
}

function onEnd({ changedTouches: [touch] }) {
  if (!start || touch.identifier !== start.identifier) return;
  if (history.state?.index !== start.index) return;
  const right = touch.clientX - start.x;
  const aside = Math.abs(touch.clientY - start.y);
  forget();
  if (right < FAR || aside > right * SLOPE || isDialogOpen()) return;
  const back = document.querySelector("#detail .back");
  if (back?.getClientRects().length) back.click();
}

function forget() {
  start = null;
}
