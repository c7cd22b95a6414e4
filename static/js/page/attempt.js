/** Do something whose failure must not stop what follows; the browser's console hears of it. */
export function attempt(act) {
  try {
    act();
  } catch (error) {
    console.error(error);
  }
}
