// A file that was chosen, before it is sent: what it is, how it looks, and smaller where that will do.
const PICTURES = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const VIDEOS = ["video/mp4", "video/webm", "video/quicktime", "video/3gpp"];
const LONGEST = 2_048; // px of a picture that is not sent as it is
const SMALL = 300_000; // bytes: a picture that is worth no second look
const QUALITY = 0.85;
const THUMBNAIL = 440; // px: twice its room on the page
// What may tell where it was made, and goes as it is: the server cleans the others.
const TELLING = new RegExp(
  "\\.(heic|heif|avif|jxl|jp2|tiff?|psd|dng|cr2|cr3|nef|arw|raf|orf|rw2|pef|srw" +
    "|docx?|xlsx?|pptx?|odt|ods|odp|wps|et|dps|pages|numbers|key|pdf|mkv|avi|mts|m2ts|wmv|flv)$",
  "i",
);
const DECODING = 4_000; // ms for the first picture of a film
const EARLY = 0.1; // seconds: some begin with a black picture

/** What a file is sent as: only what browsers show is a picture or a video. */
export function kindOf({ type }) {
  if (PICTURES.includes(type)) return "picture";
  return VIDEOS.includes(type) ? "video" : "file";
}

export function mayTellPlace({ name }) {
  return TELLING.test(name);
}

/** A picture as the browser decodes it, upright; null if it cannot. */
async function decode(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    return null;
  }
}

/** The first picture of a film: {thumbnail, width, height, duration}; null if it cannot be shown. */
export async function lookAtFilm(url) {
  const film = document.createElement("video");
  Object.assign(film, { muted: true, playsInline: true, preload: "metadata" });
  const isThere = new Promise((resolve) => {
    // Its data may be there before there is anything to draw; after a step there is.
    film.addEventListener("loadeddata", () => (film.currentTime = EARLY), { once: true });
    film.addEventListener("seeked", () => resolve(true), { once: true });
    film.addEventListener("error", () => resolve(false), { once: true });
    setTimeout(resolve, DECODING, false);
  });
  film.src = url;
  try {
    if (!(await isThere) || !film.videoWidth) return null;
    const { videoWidth: width, videoHeight: height, duration } = film;
    const thumbnail = draw({ width, height, picture: film }, THUMBNAIL);
    return { thumbnail, width, height, ...(Number.isFinite(duration) && { duration }) };
  } finally {
    film.removeAttribute("src");
    film.load(); // it holds its connection otherwise
  }
}

async function lookAtFile(file) {
  const url = URL.createObjectURL(file);
  try {
    return await lookAtFilm(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * Prepare a file: {file, name, kind, view, thumbnail, smaller}. `view` is what its message will
 * look like, `thumbnail` a canvas, `smaller` the same picture with fewer pixels or null.
 */
export async function prepare(file, { asFile = false } = {}) {
  const kind = asFile ? "file" : kindOf(file);
  const { name, size } = file;
  const view = { kind, name, size, preview: null };
  const choice = { file, name, kind, view, thumbnail: null, smaller: null };
  try {
    return { ...choice, ...await (kind === "video" ? lookAt(choice) : seen(choice, asFile)) };
  } catch {
    return choice; // as when a phone has no memory left to draw in: it goes as it is
  }
}

async function lookAt({ file, view }) {
  const { thumbnail = null, ...facts } = (await lookAtFile(file)) ?? {};
  return { view: { ...view, ...facts }, thumbnail };
}

async function seen({ file, kind, view }, asFile) {
  const isImage = !asFile && file.type.startsWith("image/");
  const picture = isImage ? await decode(file) : null;
  if (!picture) return {};
  try {
    const { width, height } = picture;
    const thumbnail = draw({ width, height, picture }, THUMBNAIL);
    const smaller = await shrink(picture, file);
    // What only this browser can decode, as HEIC, goes as a picture if it is made one.
    if (kind === "file" && !smaller) return { thumbnail };
    return { view: { ...view, width, height }, thumbnail, smaller };
  } finally {
    picture.close();
  }
}

/** What is sent: the picture as it is, or the smaller one; `modified` tells versions of it apart. */
export function chosen({ file, name, kind, view, smaller }, asItIs) {
  const modified = file.lastModified;
  if (asItIs || !smaller) return { file, name, kind, modified, view };
  const renamed = name.replace(/\.[^.]*$/, "") + (smaller.type === "image/png" ? ".png" : ".jpg");
  const { width, height } = fitted(view, LONGEST);
  const size = smaller.size;
  const shown = { ...view, kind: "picture", name: renamed, size, width, height };
  return { file: smaller, name: renamed, kind: "picture", modified, view: shown };
}

function fitted({ width, height }, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

function draw({ width: widest, height: highest, picture }, longest) {
  const canvas = document.createElement("canvas");
  const { width, height } = fitted({ width: widest, height: highest }, longest);
  [canvas.width, canvas.height] = [Math.max(1, width), Math.max(1, height)];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The same picture with at most LONGEST pixels a side; null where it would be no smaller. */
async function shrink(picture, file) {
  if (file.type === "image/gif" || file.type === "image/webp") return null; // they may move
  const isKnown = PICTURES.includes(file.type);
  const { width, height } = picture;
  const isLarge = Math.max(width, height) > LONGEST;
  if (isKnown && (file.size < SMALL || (!isLarge && file.type === "image/png"))) return null;
  const canvas = draw({ width, height, picture }, LONGEST);
  const type = file.type === "image/png" ? "image/png" : "image/jpeg";
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  return blob && (!isKnown || blob.size < file.size) ? blob : null;
}
