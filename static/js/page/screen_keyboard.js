// Keep the page above the keyboard on the screen where the browser only lays that over it (iOS).

export function followKeyboard() {
  const viewport = globalThis.visualViewport;
  if (!viewport) return;
  const follow = () => {
    if (viewport.scale !== 1) return; // magnified: the reader moves the view
    const covered = Math.max(0, Math.round(innerHeight - viewport.height));
    document.documentElement.style.setProperty("--covered", `${covered}px`);
    // The browser has pushed the page up, to show a field that is in view by now.
    if (covered) scrollTo(0, 0);
  };
  viewport.addEventListener("resize", follow);
  viewport.addEventListener("scroll", follow);
}
