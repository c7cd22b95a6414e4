// How the hand last touched the page: with which device, where, and when.
const SAME_PLACE = 8; // px between the two presses of a double click
const DOUBLE_CLICK = 500; // ms, the longest double click of the usual systems
const HELD = 1_000; // ms from the press to its click; a click without a press comes later

let last = null;
let before = null;
let isByKey = false;

addEventListener("pointerdown", ({ clientX: x, clientY: y, timeStamp: time }) => {
  [before, last, isByKey] = [last, { x, y, time }, false];
}, true);
addEventListener("keydown", () => {
  isByKey = true;
}, true);

/** Whether the keyboard was used last, and no pointer. */
export function usesKeys() {
  return isByKey;
}

/** Whether a click belongs to the press before it: its target was not there to be aimed at. */
export function isSecondOfTwo(click) {
  if (click.detail !== 1) return click.detail > 1;
  if (!before) return false;
  const isNear = Math.hypot(last.x - before.x, last.y - before.y) <= SAME_PLACE;
  const isItsClick = click.timeStamp - last.time < HELD;
  return isNear && isItsClick && last.time - before.time < DOUBLE_CLICK;
}
