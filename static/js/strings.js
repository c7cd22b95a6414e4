// The words of the interface come with the page, in the reader's language.
const element = document.getElementById("strings");
const strings = element ? JSON.parse(element.textContent) : {};

/** The text for `key`, with `{name}` replaced by `values.name`. */
export function text(key, values = {}) {
  return (strings[key] ?? key).replace(/\{(\w+)\}/g, (_match, name) => values[name] ?? "");
}
