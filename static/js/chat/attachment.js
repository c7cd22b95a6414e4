// The file of a message, as templates/chat/_attachment.html and chat/file_rows.py show it.
import { makeIcon } from "../page/icon.js";
import { text } from "../strings.js";

const [WIDEST, HIGHEST, NARROWEST] = [220, 280, 60]; // px
const LONG_VOICES = [5, 10, 20, 40]; // seconds
const EXTENSION = /\.([\p{L}\p{N}]{1,5})$/u;
const NAME_AT_MOST = 60;
const [ROOM, BEGINNING, END] = [34, 20, 12]; // half-width characters of a name, and of its ends
const WIDE = 0x2e80; // from here on, most characters are twice as wide
const FAMILIES = {
  document: "doc docx odt wps rtf txt md",
  table: "xls xlsx ods et csv",
  slides: "ppt pptx odp dps key",
  pdf: "pdf",
  archive: "zip rar 7z tar gz bz2 xz",
  picture: "jpg jpeg png gif webp heic heif tif tiff svg psd dng",
  film: "mp4 mov mkv avi webm wmv flv",
  sound: "mp3 wav m4a flac ogg aac wma",
};
const UNITS = ["KB", "MB", "GB", "TB", "PB"];

/** Whether it is shown without a bubble around it. */
export function isMedia({ kind }) {
  return kind === "picture" || kind === "video";
}

/** Fill a bubble; true if it needs none around what it shows. */
export function showAttachment(element, attachment) {
  const { url, name, kind } = attachment;
  const link = document.createElement("a");
  link.className = `attachment ${kind}`;
  link.dataset.name = name;
  if (attachment.width) link.dataset.pixels = `${attachment.width}x${attachment.height}`;
  if (url) link.href = url;
  if (kind === "file") link.download = "";
  else [link.target, link.rel] = ["_blank", "noopener"];
  link.append(...parts[kind](attachment, link));
  keepDrawn(element.querySelector("canvas"), link);
  element.replaceChildren(link);
}

/** Show what this device has drawn until a picture has come, and in place of a film's beginning. */
function keepDrawn(canvas, link) {
  const shown = canvas && link.querySelector("img, video");
  if (!shown) return;
  shown.after(canvas);
  if (shown.matches("video")) link.classList.add("drawn");
  else shown.addEventListener("load", () => canvas.remove(), { once: true });
}

const parts = {
  picture({ url, name, preview, width, height }) {
    const picture = measured(document.createElement("img"), fit(width, height));
    picture.loading = "lazy";
    picture.decoding = "async";
    picture.alt = text("picture", { name });
    if (preview ?? url) picture.src = preview ?? url;
    return [picture];
  },

  video({ url, name, width, height, duration }) {
    const video = measured(document.createElement("video"), fit(width, height));
    Object.assign(video, { preload: "none", muted: true, playsInline: true, tabIndex: -1 });
    video.setAttribute("aria-hidden", "true");
    if (url) video.src = url;
    const play = makeElement("span", "play");
    play.append(makeIcon("play"));
    const length = duration === undefined
      ? []
      : [makeElement("span", "length", inMinutes(duration))];
    return [
      video,
      play,
      ...length,
      makeElement("span", "visually-hidden", text("video", { name })),
    ];
  },

  voice({ duration }, link) {
    const seconds = secondsOf(duration);
    link.classList.add(`voice-${LONG_VOICES.filter((least) => seconds > least).length}`);
    const words = makeElement("span", "visually-hidden", text("voice"));
    return [makeIcon("voice"), words, makeElement("span", "length", `${seconds}″`)];
  },

  file({ name, size }, link) {
    link.title = name;
    const about = makeElement("span", "file-about");
    about.append(makeElement("bdi", "file-name", shortName(name)));
    if (size !== null) about.append(makeElement("span", "file-size", inBytes(size)));
    return [makeFileIcon(name), about];
  },
};

function measured(element, box) {
  if (box) [element.width, element.height] = box;
  else element.className = "unmeasured";
  return element;
}

function makeElement(name, className, words = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = words;
  return element;
}

export function makeFileIcon(name) {
  const extension = name.match(EXTENSION)?.[1] ?? "";
  const icon = makeElement("span", `file-icon ${familyOf(extension)}`, extension.toUpperCase());
  icon.setAttribute("aria-hidden", "true");
  return icon;
}

/** The sort of file that an extension says, by which its icon is coloured. */
export function familyOf(extension) {
  const known = Object.entries(FAMILIES);
  const isOf = ([, extensions]) => extensions.split(" ").includes(extension.toLowerCase());
  return known.find(isOf)?.[0] ?? "other";
}

/** A long name without its middle: its end says what it is. */
export function shortName(name) {
  const characters = [...name];
  if (characters.reduce((sum, each) => sum + widthOf(each), 0) <= ROOM) return name;
  const beginning = fitting(characters, BEGINNING);
  const end = fitting(characters.slice().reverse(), END).reverse();
  return `${beginning.join("")}…${end.join("")}`;
}

function widthOf(character) {
  return character.codePointAt(0) >= WIDE ? 2 : 1;
}

function fitting(characters, room) {
  let left = room;
  const end = characters.findIndex((each) => (left -= widthOf(each)) < 0);
  return end < 0 ? characters : characters.slice(0, end);
}

/** Fit a picture into its box, in pixels of the page; null if its size is not known. */
export function fit(width, height) {
  if (!width || !height) return null;
  const scale = Math.min(WIDEST / width, HIGHEST / height, 1);
  return [width, height].map((side) => Math.max(NARROWEST, Math.round(side * scale)));
}

export function inMinutes(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function secondsOf(duration) {
  return Math.max(1, Math.ceil(duration ?? 0));
}

/** A size as everybody reads it. */
export function inBytes(size) {
  if (size < 1024) return text("bytes", { count: size });
  let [value, unit] = [size / 1024, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit += 1) value /= 1024;
  return `${value.toFixed(1)}\u00a0${UNITS[unit]}`;
}

/** What its element tells of the file of a message. */
export function readAttachment(link) {
  const kind = Object.keys(parts).find((each) => link.classList.contains(each));
  const shown = link.querySelector("img, video");
  const facts = { kind, name: link.dataset.name, url: link.href, size: null, preview: null };
  if (kind === "picture" && shown.src !== link.href) facts.preview = shown.src;
  if (shown?.hasAttribute("width")) [facts.width, facts.height] = [shown.width, shown.height];
  const seconds = Number.parseInt(link.querySelector(".length")?.textContent, 10);
  return kind === "voice" ? { ...facts, duration: seconds } : facts;
}

/** One line about a file. */
export function lineOf({ kind, name }) {
  if (kind !== "file") return text(`${kind}_preview`);
  const characters = [...name];
  const short = characters.length > NAME_AT_MOST;
  return text("file_preview", {
    name: short ? `${characters.slice(0, NAME_AT_MOST - 1).join("")}…` : name,
  });
}

/** What stands before the name of a file where a message was found by it. */
export function labelOf({ attachment }) {
  if (!attachment) return "";
  const { kind } = attachment;
  return kind === "file" ? text("file_preview", { name: "" }) : `${text(`${kind}_preview`)} `;
}

/** One line about a message that was neither recalled nor removed. */
export function preview({ text: words, attachment }) {
  return attachment ? lineOf(attachment) : words ?? "";
}
