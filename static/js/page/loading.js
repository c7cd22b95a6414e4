// Ask for a page, as long as a reader can be expected to wait for it.
import { within } from "./patience.js";

const PATIENCE = 15_000; // ms for a page; the server itself gives up on its database after 5 s
const PATIENCE_IN_TROUBLE = 3_000; // ms, where the page already says that there is no connection
const NOT_THERE = new Set([502, 503, 504]); // the answers in place of a server that is away or busy

/** Fetch a page; undefined where there is no answer, and null if it is no page of the same person. */
export async function load(url) {
  const isInTrouble = !document.getElementById("connection").hidden;
  const patience = isInTrouble ? PATIENCE_IN_TROUBLE : PATIENCE;
  const ask = async (signal) => readPage(await fetch(url, { credentials: "same-origin", signal }));
  return await within(patience, ask).catch(() => undefined);
}

/** Parse an answer; null if it is no page of the same person. Throws where there is no answer. */
export async function readPage(response) {
  if (NOT_THERE.has(response.status)) throw new Error(`${response.status}`);
  if (!response.headers.get("Content-Type")?.includes("text/html")) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.body.dataset.userId === document.body.dataset.userId ? page : null;
}
