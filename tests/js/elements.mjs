// Elements in a tree, as far as scripts that build and search one need them.
const PART = /\.[\w-]+|#[\w-]+|\[[^\]]+\]|:not\([^)]+\)|^[\w-]+/g;
const ATTRIBUTE = /^\[([\w-]+)(?:=["']?([^"']*)["']?)?\]$/;

class ClassList {
  #names = new Set();
  add = (...names) => names.forEach((name) => this.#names.add(name));
  remove = (...names) => names.forEach((name) => this.#names.delete(name));
  contains = (name) => this.#names.has(name);
  toggle(name, isWanted = !this.contains(name)) {
    if (isWanted) this.add(name);
    else this.remove(name);
  }
  set all(names) {
    this.#names = new Set(names.split(" ").filter(Boolean));
  }
  get all() {
    return [...this.#names].join(" ");
  }
}

export class Element extends EventTarget {
  parentElement = null;
  childNodes = []; // elements and strings
  attributes = {};
  dataset = {};
  style = {};
  classList = new ClassList();
  hidden = false;

  constructor(name = "div", className = "", dataset = {}) {
    super();
    this.localName = name;
    this.className = className;
    Object.assign(this.dataset, dataset);
  }

  get className() {
    return this.classList.all;
  }
  set className(names) {
    this.classList.all = names;
  }

  get children() {
    return this.childNodes.filter((node) => node instanceof Element);
  }
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }
  get previousElementSibling() {
    return this.#sibling(-1);
  }
  get nextElementSibling() {
    return this.#sibling(1);
  }
  get isConnected() {
    return this === document.body || (this.parentElement?.isConnected ?? false);
  }

  get textContent() {
    return this.childNodes.map((node) => node.textContent ?? node).join("");
  }
  set textContent(words) {
    this.replaceChildren(...(words === "" ? [] : [String(words)]));
  }

  append(...nodes) {
    this.#put(this.childNodes.length, nodes);
  }
  prepend(...nodes) {
    this.#put(0, nodes);
  }
  replaceChildren(...nodes) {
    for (const child of this.children) child.parentElement = null;
    this.childNodes = [];
    this.append(...nodes);
  }
  before(...nodes) {
    this.parentElement.#put(this.parentElement.childNodes.indexOf(this), nodes);
  }
  after(...nodes) {
    this.parentElement.#put(this.parentElement.childNodes.indexOf(this) + 1, nodes);
  }
  replaceWith(...nodes) {
    this.before(...nodes);
    this.remove();
  }
  remove() {
    const { parentElement: parent } = this;
    if (parent) parent.childNodes = parent.childNodes.filter((node) => node !== this);
    this.parentElement = null;
  }
  contains(other) {
    return other === this || this.children.some((child) => child.contains(other));
  }
  cloneNode() {
    const copy = new Element(this.localName, this.className, this.dataset);
    copy.append(...this.childNodes.map((node) => node.cloneNode?.() ?? node));
    return copy;
  }

  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }
  getAttribute(name) {
    return this.attributes[name] ?? null;
  }
  hasAttribute(name) {
    return name in this.attributes || name in this;
  }
  removeAttribute(name) {
    delete this.attributes[name];
    if (name === "src") delete this.src;
  }

  matches(selector) {
    return selector.split(", ").some((each) => {
      const [own, ...above] = each.split(" ").reverse();
      if (!own.match(PART).every((part) => this.#has(part))) return false;
      return !above.length || Boolean(this.parentElement?.closest(above.reverse().join(" ")));
    });
  }
  closest(selector) {
    return this.matches(selector) ? this : this.parentElement?.closest(selector) ?? null;
  }
  querySelectorAll(selector) {
    const below = (element) => element.children.flatMap((child) => [child, ...below(child)]);
    return below(this).filter((each) => each.matches(selector));
  }
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }

  focus() {
    document.activeElement = this;
  }
  blur() {
    document.activeElement = document.body;
  }
  getBoundingClientRect() {
    return { left: 0, top: 0, right: 0, bottom: 0, width: 0, height: 0 };
  }
  setPointerCapture() {}

  #has(part) {
    if (part.startsWith(".")) return this.classList.contains(part.slice(1));
    if (part.startsWith("#")) return this.id === part.slice(1);
    if (part.startsWith(":not(")) return !this.#has(part.slice(5, -1));
    if (!part.startsWith("[")) return this.localName === part;
    const [, name, value] = part.match(ATTRIBUTE);
    const key = name.replace(/^data-/, "").replace(
      /-(\w)/g,
      (_match, letter) => letter.toUpperCase(),
    );
    const own = name.startsWith("data-") ? this.dataset[key] : this.attributes[name];
    return own !== undefined && (value === undefined || String(own) === value);
  }

  #put(place, nodes) {
    const next = this.childNodes[place];
    for (const node of nodes) node.remove?.();
    const at = next && !nodes.includes(next) ? this.childNodes.indexOf(next) : place;
    this.childNodes.splice(at, 0, ...nodes);
    for (const node of nodes) if (node instanceof Element) node.parentElement = this;
  }

  #sibling(step) {
    const among = this.parentElement?.children ?? [];
    const place = among.indexOf(this);
    return place < 0 ? null : among[place + step] ?? null;
  }
}

/** A page without anything: elements are made, and found by what `named` holds, made if it lacks them. */
export function makePage(named = {}) {
  document.body = new Element("body");
  document.activeElement = document.body;
  document.createElement = (name) => new Element(name);
  document.createElementNS = (_space, name) => new Element(name);
  document.getElementById = (id) => (named[id] ??= new Element());
  return named;
}
