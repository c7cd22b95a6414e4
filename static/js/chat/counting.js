import { countOf } from "../page/badges.js";
import { text } from "../strings.js";

/** “3 new messages” */
export function countWords(count) {
  return text(count === 1 ? "new_message" : "new_messages", { count: countOf(count) });
}
