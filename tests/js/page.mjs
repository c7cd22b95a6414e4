// The parts of a browser's page that our scripts need when they are loaded.
import { register } from "node:module";

register("./modules.mjs", import.meta.url);

globalThis.CustomEvent ??= class extends Event {
  constructor(name, { detail = null } = {}) {
    super(name);
    this.detail = detail;
  }
};

const dataset = {};
globalThis.document = Object.assign(new EventTarget(), {
  body: { dataset },
  documentElement: { dataset },
  getElementById: () => null,
  querySelector: () => null,
});
globalThis.CSS = { supports: () => true };

const page = new EventTarget();
globalThis.addEventListener = page.addEventListener.bind(page);
globalThis.dispatchEvent = page.dispatchEvent.bind(page);

class Storage {
  setItem(key, value) {
    this[key] = value;
  }
  getItem(key) {
    return this[key] ?? null;
  }
  removeItem(key) {
    delete this[key];
  }
}
Object.defineProperty(globalThis, "sessionStorage", { value: new Storage() });

// A timer of seconds ends with the page: it keeps no test waiting.
const { setTimeout } = globalThis;
globalThis.setTimeout = (act, milliseconds, ...values) => {
  const timer = setTimeout(act, milliseconds, ...values);
  return milliseconds >= 1_000 ? timer.unref() : timer;
};
