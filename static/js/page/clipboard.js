// The clipboard, also where the browser lends none.
import { text } from "../strings.js";
import { toast } from "./toast.js";

/** Copy a text, and say so; resolves to whether it was possible. */
export async function copy(words) {
  const isCopied = await put(words).then(() => true, () => false);
  toast(text(isCopied ? "copied" : "failed"));
  return isCopied;
}

/** Copy a text, also on plain http, where there is no `navigator.clipboard`. */
async function put(words) {
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
