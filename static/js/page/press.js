// How the hand last touched the page: with which device, where, and when.
const SAME_PLACE = 8; // px between the two presses of a double click
const DOUBLE_CLICK = 500; // ms, the longest double click of the usual systems
const HELD = 1_000; // ms from the press to its click; a click without a press comes later

const OVER = ".popup-menu, dialog"; // what closes at a press, and leaves the second one to the page

let last = null;
let before = null;
let isByKey = false;

addEventListener("pointerdown", ({ clientX: x, clientY: y, timeStamp: time, target }) => {
  [before, last, isByKey] = [last, { x, y, time }, false];
  last.isOver = isOver(target);
  last.isRest = !last.isOver && isSoonAfter() && (before.isOver || before.isRest);
}, true);
// The rest of a double click on a menu or a dialog selects nothing below it.
addEventListener("mousedown", (event) => {
  if (last?.isRest) event.preventDefault();
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
  return isSoonAfter() && click.timeStamp - last.time < HELD;
}

/** Whether the last press came soon after another one, at the same place. */
function isSoonAfter() {
  if (!before) return false;
  const isNear = Math.hypot(last.x - before.x, last.y - before.y) <= SAME_PLACE;
  return isNear && last.time - before.time < DOUBLE_CLICK;
}

function isOver(target) {
  return Boolean(target?.closest?.(OVER));
}
