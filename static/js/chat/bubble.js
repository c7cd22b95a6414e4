// One message on the page: filled from the server's message, or from a letter on its way.
import { attempt } from "../page/attempt.js";
import { text } from "../strings.js";
import { isMedia, lineOf, readAttachment, showAttachment } from "./attachment.js";
import { stateWords } from "./message.js";
import { showWords } from "./words.js";

/** An empty bubble, from the page's template. */
export function make(isMine) {
  const template = document.getElementById(`message-template-${isMine ? "mine" : "theirs"}`);
  return template.content.querySelector(".message").cloneNode(true);
}

/** Show a message of the server. */
export function fill(element, message) {
  element.id = `m${message.id}`;
  element.dataset.id = message.id;
  element.dataset.clientId = message.client_id;
  element.dataset.state = message.state;
  element.dataset.sender = message.sender;
  attempt(() => showContent(element.querySelector(".bubble"), message));
  attempt(() => showQuote(element, message.quote));
  const time = element.querySelector("time");
  time.textContent = message.time;
  time.setAttribute("datetime", message.sent_at);
  const state = element.querySelector(".state");
  if (state) state.textContent = message.state === "sent" ? "✓" : "";
}

function showContent(bubble, message) {
  bubble.classList.toggle("media", Boolean(message.attachment) && isMedia(message.attachment));
  if (message.attachment) showAttachment(bubble, message.attachment);
  else if (message.state === "sent") showWords(bubble, message.text);
  else bubble.replaceChildren(stateWords(message, friendName()));
}

/** Show a message on its way. */
export function fillPending(element, letter) {
  const { clientId, text: words, attachment, time, quote } = letter;
  element.dataset.clientId = clientId;
  attempt(() =>
    showContent(element.querySelector(".bubble"), { state: "sent", text: words, attachment })
  );
  element.querySelector("time").textContent = time;
  showQuote(element, quote && { ...quote, state: "sent" });
}

/** What its bubble tells of a message; `words` are its text, or the line about its file. */
export function read(element) {
  const { id, state, sender } = element.dataset;
  const bubble = element.querySelector(".bubble");
  const file = bubble.querySelector(".attachment");
  const attachment = file && readAttachment(file);
  return {
    id: Number(id),
    state,
    sender,
    name: element.querySelector(".visually-hidden").textContent,
    time: element.querySelector("time").textContent,
    words: attachment ? lineOf(attachment) : bubble.textContent.trim(),
    attachment,
  };
}

/** Format the text that the page came with: addresses as links, long texts folded. */
export function dress(element) {
  const bubble = element.querySelector(".bubble");
  const isText = element.dataset.state === "sent" && !bubble.querySelector(".attachment");
  if (isText) attempt(() => showWords(bubble, bubble.textContent));
}

/** What the reader calls the friend, as the page says it. */
function friendName() {
  return document.querySelector(".conversation-name").textContent;
}

/** The words of a quote: its sender and its text. */
export function makeQuote({ sender, text: words, attachment }) {
  const isTheirs = sender === document.getElementById("conversation").dataset.with;
  const name = document.createElement("bdi");
  if (isTheirs) name.className = "friend-name";
  name.textContent = isTheirs ? friendName() : sender;
  if (!attachment) return [name, text("colon") + words];
  const line = [name, text("colon") + lineOf(attachment)];
  return attachment.preview ? [...line, makeThumbnail(attachment.preview)] : line;
}

function makeThumbnail(url) {
  const picture = document.createElement("img");
  picture.className = "quote-preview";
  picture.width = picture.height = 32;
  picture.alt = "";
  picture.src = url;
  return picture;
}

export function showQuote(element, quote) {
  const link = element.querySelector(".quote");
  link.hidden = !quote;
  if (!quote) return;
  link.dataset.quote = quote.id;
  link.href = `?at=${quote.id}#m${quote.id}`;
  if (quote.state === "sent") link.replaceChildren(...makeQuote(quote));
  else link.replaceChildren(text("quote_gone"));
}

/** Mark it as `pending` or `failed`; a failed one offers to try again, or to discard it. */
export function showState(element, state, { reason, actions = [] } = {}) {
  element.dataset.state = state;
  const words = document.createElement("span");
  words.textContent = state === "pending" ? text("sending") : (reason ?? text("not_sent"));
  element.querySelector(".state").replaceChildren(words, ...actions);
}

/** Offer below a recalled message to write it again. */
export function offerEdit(element) {
  if (!element || element.querySelector(".edit-again")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "edit-again";
  button.textContent = text("edit_again");
  element.querySelector(".bubble-line").append(button);
}
