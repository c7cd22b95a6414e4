// The question before something that cannot be undone.
import { text } from "../strings.js";
import { isSecondOfTwo } from "./press.js";

const ASKED = /^.+?[?？](?!”)\s*/; // what follows from it comes after; a name may ask something, too

/** Ask; resolves to whether the answer is `yes`, the words of the button that does it. */
export function ask(question, yes) {
  const dialog = document.createElement("dialog");
  dialog.className = "question";
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-label", question);
  const words = document.createElement("p");
  const [asked = ""] = ASKED.exec(question) ?? [];
  words.append(...[asked, question.slice(asked.length)].filter(Boolean).map(makeLine));
  const answers = document.createElement("div");
  answers.className = "question-answers";
  answers.append(
    makeButton(dialog, { words: text("cancel"), kind: "quiet", answer: "no" }),
    makeButton(dialog, { words: yes, kind: "danger", answer: "yes" }),
  );
  dialog.append(words, answers);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

function makeLine(words) {
  const line = document.createElement("span");
  line.textContent = words;
  return line;
}

function makeButton(dialog, { words, kind, answer }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `button ${kind}`;
  button.textContent = words;
  button.addEventListener("click", (event) => {
    if (!isSecondOfTwo(event)) dialog.close(answer);
  });
  return button;
}
