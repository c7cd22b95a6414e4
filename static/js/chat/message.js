// Facts about a message that need nothing but the message.
import { text } from "../strings.js";
import { preview } from "./attachment.js";

export function isMine(message) {
  return message.sender !== message.with;
}

/** The words in place of a text that is gone. */
export function stateWords(message) {
  if (message.state === "removed") return text("removed");
  return isMine(message)
    ? text("recalled_mine")
    : text("recalled_theirs", { name: message.sender });
}

/** One line about a message, whatever has become of it. */
export function lineOf(message) {
  return message.state === "sent" ? preview(message) : stateWords(message);
}
