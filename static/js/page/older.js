// What our scripts use and a browser of 2021 may lack. Our syntax is older than that; what is younger
// and not filled in here is not used (a test looks for it).

/** Fill in what is missing, before anything needs it. */
export function fillIn() {
  add(Array.prototype, "at", at); // 2022
  add(Element.prototype, "checkVisibility", checkVisibility); // 2024
  add(globalThis, "BroadcastChannel", LonelyChannel); // 2022
  if ("showModal" in document.createElement("dialog")) return; // 2022
  for (const [name, property] of Object.entries(DIALOG)) {
    Object.defineProperty(HTMLElement.prototype, name, { ...property, configurable: true });
  }
}

function add(owner, name, value) {
  if (!(name in owner)) Object.defineProperty(owner, name, { value, configurable: true });
}

function at(index) {
  return this[index < 0 ? this.length + index : index];
}

function checkVisibility() {
  return this.getClientRects().length > 0;
}

/** A channel that reaches no other tab: each finds out for itself. */
class LonelyChannel extends EventTarget {
  postMessage() {}
  close() {}
}

/** A dialog that lies over the page like any other, and leaves the rest within reach. */
const DIALOG = {
  open: {
    get() {
      return this.hasAttribute("open");
    },
    set(isOpen) {
      this.toggleAttribute("open", isOpen);
    },
  },
  showModal: {
    value() {
      this.open = true;
    },
  },
  close: {
    value() {
      this.open = false;
      this.dispatchEvent(new Event("close"));
    },
  },
};
