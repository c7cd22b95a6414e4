// Ask for a page, as long as a reader can be expected to wait for it.
import { PATIENCE, within } from "./patience.js";

/** For a request whose page is not shown: it leaves the server's notices to the one that is. */
export const UNSEEN = { "X-Keep-Messages": "yes" };
const PATIENCE_IN_TROUBLE = 3_000; // ms, where the page already says that there is no connection
const NOT_THERE = new Set([502, 503, 504]); // the answers in place of a server that is away or busy

/** Fetch a page; undefined where there is no answer, and null if it is no page of the chat of the same person. */
export async function load(url, headers = {}) {
  const isInTrouble = !document.getElementById("connection").hidden;
  const patience = isInTrouble ? PATIENCE_IN_TROUBLE : PATIENCE;
  const options = { credentials: "same-origin", headers };
  const ask = async (signal) => readPage(await fetch(url, { ...options, signal }));
  return await within(patience, ask).catch(() => undefined);
}

/** Parse an answer; null if it is no page of the chat of the same person. Throws where there is none. */
export async function readPage(response) {
  if (NOT_THERE.has(response.status)) throw new Error(`${response.status}`);
  if (!response.headers.get("Content-Type")?.includes("text/html")) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const isTheirs = page.body.dataset.userId === document.body.dataset.userId;
  return isTheirs && page.getElementById("detail") ? page : null;
}
