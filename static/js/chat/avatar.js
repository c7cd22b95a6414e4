// The same as the server's `avatar_of`.
const COLOURS = 12;

function avatarClass(username) {
  let sum = 0;
  for (let index = 0; index < username.length; index += 1) sum += username.charCodeAt(index);
  return `avatar-${sum % COLOURS}`;
}

function initial(name) {
  return (Array.from(name)[0] ?? "").toUpperCase();
}

/** Show the avatar of the owner of a row or message in `element`. */
export function showAvatar(element, username) {
  const avatar = element.querySelector(".avatar");
  avatar.className = `avatar ${avatarClass(username)}`;
  avatar.textContent = initial(username);
}
