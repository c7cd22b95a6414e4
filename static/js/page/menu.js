// One menu for the whole page, at the pointer or at the focused element.
const MARGIN = 8; // px to the edges of the window
const LONG_PRESS = 500; // ms
const STEADY = 10; // px that a finger may move during a press

let closeOpen = () => {};

/**
 * Show `items`, each {label, act, danger}, near a point. The first one gets the focus, arrows move
 * it, Escape and a click outside give it back.
 */
export function openMenu({ x, y, items, origin }) {
  closeOpen();
  const menu = document.createElement("div");
  menu.className = "popup-menu";
  menu.setAttribute("role", "menu");
  for (const { label, act, danger } of items) {
    const item = document.createElement("button");
    item.type = "button";
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    item.textContent = label;
    item.classList.toggle("danger", Boolean(danger));
    item.addEventListener("click", () => {
      close();
      act();
    });
    menu.append(item);
  }
  const onOutside = (event) => {
    if (!menu.contains(event.target)) close();
  };
  function close() {
    closeOpen = () => {};
    menu.remove();
    document.removeEventListener("pointerdown", onOutside, true);
    removeEventListener("resize", close);
    removeEventListener("blur", close);
    document.removeEventListener("scroll", close, true);
    if (origin?.isConnected) origin.focus({ preventScroll: true });
  }
  menu.addEventListener("keydown", (event) => moveFocus(event, menu, close));
  document.body.append(menu);
  place(menu, x, y);
  menu.firstElementChild.focus({ preventScroll: true });
  closeOpen = close;
  document.addEventListener("pointerdown", onOutside, true);
  addEventListener("resize", close);
  addEventListener("blur", close);
  document.addEventListener("scroll", close, true);
}

function moveFocus(event, menu, close) {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const to = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at + items.length - 1) % items.length,
    Home: 0,
    End: items.length - 1,
  }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items[to].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    close();
  }
}

/** Place the menu below and to the right of the point, or where there is room. */
function place(menu, x, y) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.min(x, innerWidth - width - MARGIN);
  const top = y + height + MARGIN > innerHeight ? y - height : y;
  menu.style.left = `${Math.max(MARGIN, left)}px`;
  menu.style.top = `${Math.max(MARGIN, top)}px`;
}

/**
 * Call `open(element, {x, y})` when an element of `selector` below `root` asks for its menu: by
 * right click, by the menu key, by a long press. Returns a function that undoes this.
 */
export function onMenuWanted(root, selector, open) {
  let timer;
  let start;
  let opened = false;

  const wanted = (event, x, y) => {
    const element = event.target.closest(selector);
    if (!element || !root.contains(element)) return false;
    // The keyboard has no point: take the element's corner.
    const box = element.getBoundingClientRect();
    open(element, x || y ? { x, y } : { x: box.left + 16, y: box.top + 16 });
    return true;
  };
  const onContextMenu = (event) => {
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
