/** Copy a text, also on plain http, where there is no `navigator.clipboard`. */
export async function copy(words) {
  if (window.isSecureContext && navigator.clipboard) {
    await navigator.clipboard.writeText(words);
    return;
  }
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = words;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  if (!isCopied) throw new Error("not copied");
}
