// The focus belongs where one types.
const DIALOG = "dialog[open]:not(#pending)";
const NO_FIELDS = ["button", "checkbox", "color", "file", "image", "radio", "range", "submit"];

/** Whether a focus on a field calls up a keyboard on the screen. */
export function hasScreenKeyboard() {
  return matchMedia("(pointer: coarse)").matches;
}

/** Whether an element takes the letters that are typed. */
export function isField(element) {
  if (element.readOnly) return false;
  if (element.matches("input")) return !NO_FIELDS.includes(element.type);
  return element.matches("textarea, select") || element.isContentEditable;
}

/** Whether the reader types beside the open page, as in the search above the chats. */
export function isTypingBeside() {
  const element = document.activeElement;
  return Boolean(element) && isField(element) && !element.closest("#detail");
}

/** Whether a dialog takes what is typed. Notices and announcements do not: one types on beside them. */
export function isDialogOpen() {
  return document.querySelector(DIALOG) !== null;
}

/** Close the dialogs that take what is typed, without an answer. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll(DIALOG)) dialog.close("");
}

/** The field for messages, if the page shows one that may be written in. */
export function findField() {
  const field = document.getElementById("composer-text");
  return field?.readOnly || field?.closest("[hidden]") ? null : field;
}

/** Put the focus where one types; false if there is no such place, or a keyboard would rise. */
export function focusField() {
  const field = findField();
  if (!field || hasScreenKeyboard()) return false;
  field.focus({ preventScroll: true });
  return document.activeElement === field;
}

/** Where the focus was lost, put it where one types, else on `origin`. */
export function giveBack(origin) {
  if (document.activeElement !== document.body || focusField()) return;
  if (origin?.isConnected) origin.focus({ preventScroll: true });
}

/** For a press on something that needs no focus: leave it, and with it the cursor, where it is. */
export function keepFocus(event) {
  event.preventDefault();
}

/** After each dialog, give the focus back that it took before there was a field. */
export function watchDialogs() {
  // A dialog that is shown again at once keeps its focus.
  document.addEventListener("close", () => setTimeout(giveBack), true);
}
