// One menu for the whole page, beside the pointer or the element that opened it.
import { giveBack, hasScreenKeyboard, isField, keepFocus } from "./focus.js";
import { isSecondOfTwo, usesKeys } from "./press.js";

const MARGIN = 8; // px to the edges of the window
const SETTLING = 150; // ms in which the page may still move for the press that opened the menu
const GAP = 6; // px to the pointer or the button, so that no entry is under either

let open = null; // {origin, close}

/**
 * Show `items`, each {label, act, danger}, above or below a box of the window. The first one gets
 * the focus, arrows move it, Escape and a click outside give it back: to `origin` if the keyboard
 * opened the menu, else to where one types.
 */
export function openMenu({ box, items, origin }) {
  closeMenu();
  const menu = document.createElement("div");
  menu.className = "popup-menu";
  menu.setAttribute("role", "menu");
  menu.append(...items.map(makeItem));
  const byKeys = usesKeys();
  const onOutside = ({ target }) => {
    const isOpener = origin?.matches("[aria-haspopup]") && origin.contains(target);
    if (!isOpener && !menu.contains(target)) close();
  };
  function close() {
    open = null;
    menu.remove();
    clearTimeout(settling);
    if (origin?.hasAttribute("aria-haspopup")) origin.removeAttribute("aria-expanded");
    document.removeEventListener("pointerdown", onOutside, true);
    removeEventListener("resize", close);
    removeEventListener("blur", close);
    document.removeEventListener("scroll", close, true);
    if (byKeys && origin?.isConnected) origin.focus({ preventScroll: true });
    else giveBack(origin);
  }
  open = { origin, close };
  menu.addEventListener("mousedown", keepFocus);
  menu.addEventListener("keydown", (event) => moveFocus(event, menu));
  document.body.append(menu);
  place(menu, box);
  if (origin?.hasAttribute("aria-haspopup")) origin.setAttribute("aria-expanded", "true");
  // The keyboard on the screen stays where it is: its going would scroll, and close the menu.
  if (byKeys || !hasScreenKeyboard() || !isField(document.activeElement)) {
    menu.firstElementChild.focus({ preventScroll: true });
  }
  document.addEventListener("pointerdown", onOutside, true);
  addEventListener("resize", close);
  addEventListener("blur", close);
  const settling = setTimeout(() => document.addEventListener("scroll", close, true), SETTLING);
}

export function closeMenu() {
  open?.close();
}

/** Whether a menu is open, that of `origin` if one is named. */
export function isMenuOpen(origin = open?.origin) {
  return open !== null && open.origin === origin;
}

function makeItem({ label, act, danger }) {
  const item = document.createElement("button");
  item.type = "button";
  item.setAttribute("role", "menuitem");
  item.tabIndex = -1;
  item.textContent = label;
  item.classList.toggle("danger", Boolean(danger));
  item.addEventListener("click", (event) => {
    if (isSecondOfTwo(event)) return;
    closeMenu();
    act();
  });
  return item;
}

function moveFocus(event, menu) {
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
    closeMenu();
  }
}

/** Place the menu below the box, or above it where there is more room; never over it. */
function place(menu, box) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = innerHeight - box.bottom - GAP - MARGIN;
  const above = box.top - GAP - MARGIN;
  const isBelow = height <= below || below >= above;
  const shown = Math.min(height, isBelow ? below : above);
  const left = Math.min(box.left, innerWidth - width - MARGIN);
  menu.style.left = `${Math.max(MARGIN, left)}px`;
  menu.style.top = `${isBelow ? box.bottom + GAP : box.top - GAP - shown}px`;
  menu.style.maxHeight = `${shown}px`;
}
