// The panes of the page, which take over those of another.
export const PANES = ["list", "detail"];

/** Put the panes of a page in the place of ours; returns the ids of those that have changed. */
export function place(page) {
  const scrolls = scrollOfList();
  const changed = PANES.filter((id) => {
    // The present list is as live as a new one, and keeps its place.
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    const isKept = id === "list" && old.dataset.view === "chats" && fresh.dataset.view === "chats";
    if (!isKept) adopt(old, fresh);
    return !isKept;
  });
  document.body.className = page.body.className;
  markTab(page);
  const view = document.getElementById("list").dataset.view;
  if (!changed.includes("list") || scrolls.view === view) scrolls.restore();
  return changed;
}

/**
 * The page of the list alone, for which no server is needed where a narrow screen hides the list;
 * undefined where this page does not hold it.
 */
export function findListAlone(url) {
  const list = document.getElementById("list");
  const isItsPage = new URL(url, location.href).pathname === document.body.dataset.base;
  if (!isItsPage || list.dataset.view !== "chats") return undefined;
  if (getComputedStyle(list).visibility !== "hidden") return undefined;
  const page = document.cloneNode(true);
  page.title = page.querySelector("#list .pane-title").textContent;
  page.body.classList.remove("has-detail");
  const detail = page.getElementById("detail");
  detail.replaceChildren();
  detail.dataset.view = "empty";
  return page;
}

/** Replace the content and the attributes of an element by those of its counterpart. */
function adopt(element, counterpart) {
  for (const { name } of [...element.attributes]) {
    if (!counterpart.hasAttribute(name)) element.removeAttribute(name);
  }
  for (const { name, value } of counterpart.attributes) element.setAttribute(name, value);
  element.replaceChildren(...document.importNode(counterpart, true).childNodes);
}

function scrollOfList() {
  const list = document.getElementById("list");
  const top = list.querySelector("[data-keep-scroll]")?.scrollTop ?? 0;
  return {
    view: list.dataset.view,
    restore: () => {
      const body = document.querySelector("#list [data-keep-scroll]");
      if (body) body.scrollTop = top;
    },
  };
}

function markTab(page) {
  const current = page.querySelector("#tabs [aria-current]")?.dataset.tab;
  for (const tab of document.querySelectorAll("#tabs [data-tab]")) {
    if (tab.dataset.tab === current) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}
