// What can be said of a message by itself.
import { text } from "../strings.js";
import { preview } from "./attachment.js";

export function isMine(message) {
  return message.sender !== message.with;
}

/** What stands in place of a text that is not there any more. */
export function stateWords(message) {
  if (message.state === "removed") return text("removed");
  return isMine(message)
    ? text("recalled_mine")
    : text("recalled_theirs", { name: message.sender });
}

/** What a line about a message says, whatever has become of it. */
export function lineOf(message) {
  return message.state === "sent" ? preview(message) : stateWords(message);
}
