// Facts about a message that need nothing but the message.
import { text } from "../strings.js";
import { preview } from "./attachment.js";

export function isMine(message) {
  return message.sender !== message.with;
}

/** The words in place of a text that is gone; `name` is what the reader calls the friend. */
export function stateWords(message, name) {
  if (message.state === "removed") return text("removed");
  return isMine(message) ? text("recalled_mine") : text("recalled_theirs", { name });
}

/** One line about a message, whatever has become of it. */
export function lineOf(message, name) {
  return message.state === "sent" ? preview(message) : stateWords(message, name);
}

/** Whether a message can go to others. */
export function canForward({ state }) {
  return state === "sent";
}
