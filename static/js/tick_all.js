// The box that ticks all boxes of a form, hidden where no script can do it: a plain script, run once.
"use strict";
for (const all of document.querySelectorAll("input[data-tick-all]")) {
  const boxes = [...all.form.querySelectorAll(`input[name="${all.dataset.tickAll}"]`)];
  all.closest("label").hidden = false;
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  all.form.addEventListener("change", () => {
    all.checked = boxes.every((box) => box.checked);
  });
}
