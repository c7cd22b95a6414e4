// The ways to ask for a menu: right click, the menu key, a long press.
const LONG_PRESS = 500; // ms
const STEADY = 10; // px that a finger may move during a press

/**
 * Call `open(element, box)` when an element of `selector` below `root` asks for its menu; the box is
 * the place of the pointer or, for the keyboard, of the element. Returns a function that undoes this.
 */
export function onMenuWanted(root, selector, open) {
  let timer;
  let start;
  let opened = false;

  const wanted = (event, x, y) => {
    const element = event.target.closest(selector);
    if (!element || !root.contains(element)) return false;
    const point = { left: x, right: x, top: y, bottom: y };
    open(element, x || y ? point : element.getBoundingClientRect());
    return true;
  };
  const onContextMenu = (event) => {
    clearTimeout(timer);
    if (opened || wanted(event, event.clientX, event.clientY)) event.preventDefault();
  };
  // For systems that send no event for a long press (iOS).
  const onPointerDown = (event) => {
    opened = false;
    if (event.pointerType !== "touch") return;
    start = event;
    clearTimeout(timer);
    timer = setTimeout(() => {
      opened = wanted(event, event.clientX, event.clientY);
    }, LONG_PRESS);
  };
  const onPointerMove = (event) => {
    if (
      start &&
      Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > STEADY
    ) {
      clearTimeout(timer);
    }
  };
  const onPointerEnd = () => clearTimeout(timer);
  // Lifting the finger that has opened the menu is not a click on the element below.
  const onClick = (event) => {
    if (!opened) return;
    opened = false;
    event.preventDefault();
    event.stopPropagation();
  };
  const listeners = [
    ["contextmenu", onContextMenu],
    ["pointerdown", onPointerDown],
    ["pointermove", onPointerMove],
    ["pointerup", onPointerEnd],
    ["pointercancel", onPointerEnd],
    ["click", onClick],
  ];
  for (const [name, listener] of listeners) root.addEventListener(name, listener, true);
  return () => {
    clearTimeout(timer);
    for (const [name, listener] of listeners) root.removeEventListener(name, listener, true);
  };
}
