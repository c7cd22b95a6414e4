// The button on a page of slips, hidden where no script can print: a plain script, run once.
"use strict";
for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
