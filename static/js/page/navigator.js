// Go from page to page without a reload: fetch the next one, and put its panes in place.
import { text } from "../strings.js";
import { closeDialogs, focusField, giveBack, hasScreenKeyboard, isTypingBeside } from "./focus.js";
import { load, readPage } from "./loading.js";
import { closeMenu } from "./menu.js";
import { findListAlone, PANES, place } from "./panes.js";
import { usesKeys } from "./press.js";
import { toast, toastNotices } from "./toast.js";

const CHAT = /\/chat\/[^/]+\/$/; // after which `?at=` names a place on the page, and no other page

/** An address without the place on its page that its fragment names. */
function bare(url) {
  return url.split("#")[0];
}

/** Whether two addresses are of one page, wherever on it. */
function isSamePage(one, other) {
  const [here, there] = [one, other].map((url) => new URL(url, location.href));
  if (CHAT.test(here.pathname)) return here.pathname === there.pathname;
  return bare(here.href) === bare(there.href);
}

/** Whether a link on the page leads where its reader came from, and to no other place there. */
function isWayBack(link) {
  const { from } = history.state ?? {};
  if (!from || !link.closest("#detail") || new URL(link.href).searchParams.has("at")) return false;
  return isSamePage(link.href, from);
}

/**
 * The field of a page that gets the focus. A keyboard on the screen rises only where something is
 * wrong, or where the page is there for a search that is still empty.
 */
function findFirst(detail) {
  const field = detail.querySelector("[autofocus]");
  if (!field || !hasScreenKeyboard() || field.closest(".has-error")) return field;
  return detail.dataset.view === "search" && !field.value ? field : null;
}

/** Close what was opened over the page that is left: it acts on nothing else. */
function closeOverlays() {
  closeMenu();
  closeDialogs();
}

function indexInHistory() {
  return history.state?.index ?? 0;
}

export class Navigator {
  #hold;
  #begin;
  #leave;
  #arrive;
  #settled;
  #visit = 0;
  #index = 0; // of the shown page in the history of this tab
  #shown = location.href;
  #going = null; // the address of the page on its way

  /**
   * `hold` is called at a step in the history, and tells whether a mode of the page has taken it.
   * `begin` is called at the start of a visit, with whether it leads to another place on the same
   * page, `leave` before panes change, and `arrive` with {title, lastEvent, changed} after; the
   * first page has its title already, and comes without. `settled` is called at the end of a visit, with the address of the page that has
   * not come, if it is another one.
   */
  constructor({ hold, begin, leave, arrive, settled }) {
    this.#hold = hold;
    this.#begin = begin;
    this.#leave = leave;
    this.#arrive = arrive;
    this.#settled = settled;
  }

  start() {
    history.scrollRestoration = "manual";
    this.#index = indexInHistory();
    document.addEventListener("click", this.#onClick);
    document.addEventListener("submit", this.#onSubmit);
    addEventListener("popstate", this.#onPopState);
    this.#arrive({ lastEvent: Number(document.body.dataset.lastEvent), changed: PANES });
  }

  /** The address of the page that is shown, or on its way. */
  get address() {
    return this.#going ?? location.href;
  }

  /** Go to a page as a click on its link would. */
  visit(url) {
    if (isSamePage(url, location.href)) return this.replace(url);
    return this.#go(url, () => this.#push(url));
  }

  /** Go to a page in place of this one, which no step back leads to any more. */
  replace(url) {
    return this.#go(url, () => history.replaceState(history.state, "", url));
  }

  /** Go back to where the reader came from; where that is unknown, to `url` in place of this page. */
  back(url) {
    const from = history.state?.from;
    return from ? this.#go(from, () => this.#stepBack(from)) : this.replace(url);
  }

  /**
   * Give the shown page another address; false, and nothing is done, where the browser is at
   * another entry of its history already, whose page is on its way.
   */
  readdress(url) {
    if (indexInHistory() !== this.#index) return false;
    history.replaceState(history.state, "", url);
    this.#shown = location.href;
    return true;
  }

  /** Show the answer to a form: its page, and the address that it ended at. */
  async show(response) {
    const url = response.url;
    const visit = this.#visit;
    const page = await readPage(response);
    if (!page) {
      location.assign(url);
      return;
    }
    if (visit !== this.#visit) {
      toastNotices(page);
      return;
    }
    this.#place(page);
    if (!response.redirected || url === location.href) return;
    // A form that has done its work is no page to come back to.
    const { from } = history.state ?? {};
    const isBack = from && isSamePage(url, from);
    this.#shown = isBack ? from : url;
    if (isBack) this.#stepBack(from);
    else history.replaceState(history.state, "", url);
  }

  #push(url) {
    this.#index += 1;
    history.pushState({ index: this.#index, from: location.href }, "", url);
  }

  #onClick = (event) => {
    const link = event.target.closest?.("a[data-nav]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.href === location.href && link.closest("#tabs")) this.#stop();
    else if (link.matches(".back") || isWayBack(link)) this.back(link.href);
    else this.visit(link.href);
  };

  /** The answer to a search takes the place of the form, and of an earlier answer. */
  #onSubmit = (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("[data-nav]")) return;
    event.preventDefault();
    const url = new URL(form.action);
    url.search = new URLSearchParams(new FormData(form));
    this.replace(url.href);
  };

  /** The reader wants the shown page after all. A step in the history has left it already. */
  #stop() {
    if (!this.#going || bare(this.#shown) !== bare(location.href)) return;
    this.#visit += 1;
    this.#settle();
  }

  #onPopState = () => {
    // Back at the page that had to stay, or where a visit has led already.
    if (bare(location.href) === bare(this.#going ?? this.#shown)) this.#index = indexInHistory();
    else if (this.#index !== indexInHistory() && this.#hold()) {
      closeOverlays();
      this.#return();
    } else this.#go(location.href, () => (this.#index = indexInHistory()));
  };

  /** Leave this entry of the history for the one before, unless the reader has done so already. */
  #stepBack(url) {
    if (location.href !== url) history.back();
  }

  async #go(url, moved) {
    if (this.#going) this.#settle(); // what was typed is meant for that page
    closeOverlays();
    const visit = ++this.#visit;
    this.#going = new URL(url, location.href).href;
    this.#begin(isSamePage(this.#going, this.#shown));
    document.getElementById("detail").setAttribute("aria-busy", "true");
    let page = await load(url);
    if (visit !== this.#visit) {
      if (page) toastNotices(page);
      return;
    }
    if (page === undefined) page = findListAlone(url);
    try {
      if (page) this.#follow(page, moved);
      else if (page === null) location.assign(url);
    } catch {
      location.assign(url);
    }
    this.#settle();
    if (page === undefined) this.#stay();
  }

  #follow(page, moved) {
    moved();
    this.#shown = this.#going;
    this.#place(page);
  }

  /** Keep the page, since there is no other, and the address that belongs to it. */
  #stay() {
    toast(text("no_network"));
    // A link that a pointer has pressed keeps no focus: one types on.
    if (usesKeys() || isTypingBeside()) giveBack();
    else focusField();
    this.#return();
  }

  /** Take a step in the history back. */
  #return() {
    const step = this.#index - indexInHistory();
    if (step) history.go(step);
  }

  /** End the last visit under way. */
  #settle() {
    const missed = isSamePage(this.#going, this.#shown) ? null : this.#going;
    this.#going = null;
    document.getElementById("detail").removeAttribute("aria-busy");
    this.#settled(missed);
  }

  #place(page) {
    closeOverlays();
    this.#leave();
    const changed = place(page);
    this.#arrive({ title: page.title, lastEvent: Number(page.body.dataset.lastEvent), changed });
    const detail = document.getElementById("detail");
    const isElsewhere = !detail.contains(document.activeElement) && !isTypingBeside();
    if (document.body.classList.contains("has-detail") && isElsewhere) {
      (findFirst(detail) ?? detail).focus({ preventScroll: true });
    }
  }
}
