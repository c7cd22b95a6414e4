// Avatars, as the server's `avatar_of` makes them: a picture, over a letter on a colour.
const COLOURS = 12;
const FACE = "img.face";

function avatarClass(username) {
  let sum = 0;
  for (let index = 0; index < username.length; index += 1) sum += username.charCodeAt(index);
  return `avatar-${sum % COLOURS}`;
}

function initial(name) {
  return (Array.from(name)[0] ?? "").toUpperCase();
}

/** Show the avatar of the owner of a row or message in `element`; `url` is that of a picture. */
export function showAvatar(element, username, url = null) {
  const avatar = element.querySelector(".avatar");
  avatar.className = `avatar ${avatarClass(username)}`;
  avatar.textContent = initial(username);
  showFace(avatar, url);
}

/** Show a picture in an avatar, or its letter alone. */
export function showFace(avatar, url) {
  const face = avatar.querySelector(FACE);
  if (faceIn(avatar) === (url ?? null)) return;
  if (!url) face.remove();
  else if (face) face.src = url;
  else avatar.append(makeFace(url));
}

/** The address of the picture that is shown somewhere, or null. */
export function faceIn(element) {
  return element.querySelector(FACE)?.getAttribute("src") ?? null;
}

function makeFace(url) {
  const attributes = { class: "face", loading: "lazy", decoding: "async", src: url };
  const face = Object.assign(new Image(256, 256), { alt: "" });
  for (const [name, value] of Object.entries(attributes)) face.setAttribute(name, value);
  return face;
}

/** Take pictures away that do not come: the letter is below them. */
export function watchFaces() {
  for (const face of document.querySelectorAll(FACE)) {
    if (face.complete && !face.naturalWidth) face.remove();
  }
  document.addEventListener("error", ({ target }) => {
    if (target.matches?.(FACE)) target.remove();
  }, true); // it does not bubble
}
