// A form that leads to another page is sent once, however often its button is pressed meanwhile.
const HELD = 10_000; // ms; a page that is still here then has not been left

export function sendOnce(root = document) {
  const sent = new Map(); // form → timer

  const release = (form) => {
    clearTimeout(sent.get(form));
    sent.delete(form);
    form.removeAttribute("aria-busy");
  };
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    sent.set(form, setTimeout(() => release(form), HELD));
  });
  // Another text is another form, and so is a page that the browser brings back.
  root.addEventListener("input", ({ target }) => {
    if (sent.has(target.form)) release(target.form);
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) { for (const form of sent.keys()) release(form); }
  });
}
