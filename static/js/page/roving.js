// One tab stop for many elements, after the ARIA practices' roving tabindex.
const STEPS = { ArrowDown: 1, ArrowUp: -1 };
const SIDES = { ArrowRight: 1, ArrowLeft: -1 };
const INNER = "a[href], button, summary, [tabindex]";

export class Roving {
  #root;
  #group;
  #item;
  #choose;
  #stop = null;
  #isChosen = false; // by the reader, who finds it again
  #watch = new MutationObserver(() => this.#settle());

  /**
   * Below `root`, each element of `group` has one of `item`: Up, Down, Home and End go from one item
   * to the next, Left and Right through the other controls of a group. `choose` picks, from all
   * items, the first one to stop at.
   */
  constructor(root, { group, item, choose }) {
    this.#root = root;
    this.#group = group;
    this.#item = item;
    this.#choose = choose;
  }

  connect() {
    this.#root.addEventListener("focusin", this.#onFocus);
    this.#root.addEventListener("keydown", this.#onKeyDown);
    const attributeFilter = ["hidden", "href"];
    this.#watch.observe(this.#root, { childList: true, subtree: true, attributeFilter });
    this.#settle();
  }

  disconnect() {
    this.#root.removeEventListener("focusin", this.#onFocus);
    this.#root.removeEventListener("keydown", this.#onKeyDown);
    this.#watch.disconnect();
    this.#isChosen = false;
  }

  get #items() {
    const items = [...this.#root.querySelectorAll(`${this.#group} ${this.#item}`)];
    return items.filter((item) => !item.closest("[hidden]"));
  }

  #settle() {
    const items = this.#items;
    if (!this.#isChosen || !items.includes(this.#stop)) {
      this.#stop = this.#choose(items) ?? null;
      this.#isChosen = false;
    }
    for (const element of this.#root.querySelectorAll(`${this.#group} :is(${INNER})`)) {
      const place = element === this.#stop ? 0 : -1;
      if (element.tabIndex !== place) element.tabIndex = place;
    }
  }

  #onFocus = ({ target }) => {
    const item = target.closest(this.#group)?.querySelector(this.#item);
    if (!item || item === this.#stop) return;
    this.#stop = item;
    this.#isChosen = true;
    this.#settle();
  };

  #onKeyDown = (event) => {
    const isModified = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (event.defaultPrevented || isModified) return;
    const group = event.target.closest(this.#group);
    if (!group) return;
    const item = group.querySelector(this.#item);
    const to = this.#goal(item, event.key) ?? aside(group, item, event);
    if (!to) return;
    event.preventDefault();
    to.focus({ preventScroll: true });
    to.closest(this.#group).scrollIntoView({ block: "nearest" });
  };

  #goal(item, key) {
    const items = this.#items;
    if (key === "Home") return items[0];
    if (key === "End") return items[items.length - 1];
    return STEPS[key] && items[items.indexOf(item) + STEPS[key]];
  }
}

/** The control of a group to the left or right of the present one; its item comes first. */
function aside(group, item, { key, target }) {
  if (target.matches("pre")) return null; // these keys scroll it
  const isSeen = (each) =>
    each !== item && !each.closest("[aria-hidden]") && each.getClientRects().length > 0;
  const controls = [item, ...[...group.querySelectorAll(INNER)].filter(isSeen)];
  return SIDES[key] && controls[controls.indexOf(target) + SIDES[key]];
}
