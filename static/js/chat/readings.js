// How names are read, which only the server knows.
import { fetchContacts } from "./contacts.js";

const HAN = /\p{Script=Han}/u;

/** Give rows the pinyin of their friends; resolves to whether the server had to be asked. */
export async function learnReadings(rows) {
  if (rows.every(isRead)) return false;
  const page = await fetchContacts(); // without it, names match as written
  if (page) copyReadings(page.querySelectorAll("#friends .row"), rows);
  return true;
}

/** Whether it is known how a name is read, if it has to be. */
function isRead({ dataset: { username, remark, readings } }) {
  return Boolean(readings) || !HAN.test(username + remark);
}

/** Give the pinyin of the friends in some rows of the server to rows of ours. */
export function copyReadings(sources, rows) {
  const readings = new Map([...sources].map(({ dataset }) => [dataset.username, dataset.readings]));
  for (const { dataset } of rows) {
    const found = readings.get(dataset.username);
    if (found) dataset.readings = found;
  }
}
