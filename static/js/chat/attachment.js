// The file of a message: a picture, or something to download.
import { text } from "../strings.js";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** Fill `element` as templates/chat/_attachment.html does. */
export function showAttachment(element, { url, name, mimetype }) {
  const link = document.createElement("a");
  link.href = url;
  if (PICTURES.has(mimetype)) {
    link.className = "attachment picture";
    link.target = "_blank";
    link.rel = "noopener";
    const picture = document.createElement("img");
    picture.loading = "lazy";
    picture.alt = text("picture", { name });
    picture.src = url;
    link.append(picture);
  } else {
    link.className = "attachment file";
    link.download = "";
    link.textContent = name;
  }
  element.replaceChildren(link);
}

/** One line about a message that was neither recalled nor removed. */
export function preview({ text: words, attachment }) {
  if (!attachment) return words ?? "";
  if (PICTURES.has(attachment.mimetype)) return text("picture_preview");
  return text("file_preview", { name: attachment.name });
}
