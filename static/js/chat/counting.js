import { text } from "../strings.js";

const SHOWN_AT_MOST = 99;

/** “3 new messages” */
export function countWords(count) {
  if (count === 1) return text("new_message", { count });
  return text("new_messages", { count: count > SHOWN_AT_MOST ? `${SHOWN_AT_MOST}+` : count });
}
