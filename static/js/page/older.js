// Fills in for a browser of 2021 what our scripts use. Our syntax is older than that; what is younger
// and not filled in here is not used (a test looks for it).

const OfForms = globalThis.SubmitEvent ?? Event;

/** Fill in what is missing, before anything needs it. */
export function fillIn() {
  add(Array.prototype, "at", at); // 2022
  add(Element.prototype, "checkVisibility", checkVisibility); // 2024
  add(globalThis, "BroadcastChannel", LonelyChannel); // 2022
  if (!("submitter" in OfForms.prototype)) fillInSubmitter(); // 2022
  if (!("showModal" in document.createElement("dialog"))) fillInDialog(); // 2022
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

/** Tell which button has sent a form: also for Enter in a field, browsers click one. */
function fillInSubmitter() {
  let pressed = null;
  document.addEventListener("click", ({ target }) => {
    pressed = target.closest?.("button, input") ?? null;
  }, true);
  const get = function () {
    return pressed?.form === this.target ? pressed : null;
  };
  Object.defineProperty(OfForms.prototype, "submitter", { get, configurable: true });
}

function fillInDialog() {
  for (const [name, property] of Object.entries(DIALOG)) {
    Object.defineProperty(HTMLElement.prototype, name, { ...property, configurable: true });
  }
  document.addEventListener("keydown", onEscape);
  document.addEventListener("submit", onAnswer);
}

const modal = []; // the dialogs that Escape closes, the last one first

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
  returnValue: { value: "", writable: true },
  showModal: {
    value() {
      modal.push(this);
      this.open = true;
      this.querySelector("[autofocus], button")?.focus();
    },
  },
  close: {
    value(answer = this.returnValue) {
      if (!this.open) return;
      modal.splice(0, modal.length, ...modal.filter((dialog) => dialog !== this));
      this.returnValue = answer;
      this.open = false;
      this.dispatchEvent(new Event("close"));
    },
  },
};

function onEscape(event) {
  const dialog = modal[modal.length - 1];
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || !dialog) return;
  event.preventDefault();
  dialog.close();
}

/** Close the dialog of a form with `method="dialog"`, a method that an old browser takes for GET. */
function onAnswer(event) {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.getAttribute("method") !== "dialog") return;
  event.preventDefault();
  form.closest("dialog")?.close(submitter?.value);
}
