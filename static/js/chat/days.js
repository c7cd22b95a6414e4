// The names of the days, each above its first message.

/** Keep a day's name above its first message. */
export function separate(element) {
  const day = dayOf(element);
  const above = element.previousElementSibling;
  const stands = above?.matches(".day") ? above : null;
  const previous = previousMessage(element);
  const isFirst = !previous || dayOf(previous) !== day;
  if (!isFirst) stands?.remove();
  else if (stands) stands.firstElementChild.textContent = day;
  else element.before(makeDay(day));
}

function makeDay(day) {
  const line = document.createElement("li");
  line.className = "day";
  line.append(document.createElement("span"));
  line.firstElementChild.textContent = day;
  return line;
}

function dayOf(message) {
  return message.querySelector("time").textContent.slice(0, 10);
}

export function previousMessage(element) {
  let other = element.previousElementSibling;
  while (other && !other.matches(".message")) other = other.previousElementSibling;
  return other;
}

export function nextMessage(element) {
  let other = element.nextElementSibling;
  while (other && !other.matches(".message")) other = other.nextElementSibling;
  return other;
}
