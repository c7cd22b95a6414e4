// The dark colours follow Django's switch of the theme, before the page is painted: a plain script.
"use strict";
{
  const root = document.documentElement;
  const sheet = document.querySelector("link[data-theme=dark]");
  const media = { auto: sheet.media, dark: "all", light: "not all" };
  const follow = () => {
    sheet.media = media[root.dataset.theme] ?? media.auto;
  };
  new MutationObserver(follow).observe(root, { attributeFilter: ["data-theme"] });
  follow();
}
