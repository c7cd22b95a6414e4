import { UNSEEN } from "./page/loading.js";
import { PATIENCE, within } from "./page/patience.js";
import { text } from "./strings.js";

/** A refusal by the server, with its own `code` and `message`. */
export class Refusal extends Error {
  constructor(status, { code = "server_error", message = "" } = {}, retryAfter = null, rest = {}) {
    super(message || text("failed"));
    this.rest = rest; // what the answer has beside the error
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter; // seconds
  }

  /** For the reader. */
  get words() {
    return this.message;
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get isPassing() {
    return this.status >= 500 || this.status === 429;
  }
}

/** A failure to reach the server, or an answer that was not the server's. */
export class Unreachable extends Error {
  isPassing = true;

  /** For the reader. */
  get words() {
    return text("offline");
  }
}

export class Api {
  #base;
  #login;
  #csrf;
  #userId;

  constructor(body) {
    this.#base = body.dataset.base;
    this.#login = body.dataset.login;
    this.#csrf = body.dataset.csrf;
    this.#userId = body.dataset.userId;
  }

  /** The owner of this page; another tab of a shared computer may belong to somebody else by now. */
  get userId() {
    return this.#userId;
  }

  get base() {
    return this.#base;
  }

  conversation(username) {
    return `conversations/${encodeURIComponent(username)}/`;
  }

  get(path) {
    return this.#request(path, {});
  }

  post(path, data = {}, { patience } = {}) {
    return this.#change(path, "POST", JSON.stringify(data), { patience });
  }

  /** Send bytes; `signal` may stop it before the time is up. */
  put(path, bytes, { patience, signal } = {}) {
    return this.#change(path, "PUT", bytes, { patience, signal, type: "application/octet-stream" });
  }

  delete(path) {
    return this.#change(path, "DELETE", "{}");
  }

  /** Find the present name of a friend by an old one; null if nobody had it lately. */
  async currentName(username) {
    const page = `${this.#base}chat/${encodeURIComponent(username)}/`;
    const options = { method: "HEAD", credentials: "same-origin", headers: UNSEEN };
    const ask = (signal) => fetch(page, { ...options, signal });
    const response = await within(PATIENCE, ask).catch(unreachable);
    const { pathname } = new URL(response.url, location.href);
    const [before, name] = pathname.split(/chat\/([^/]+)\/$/); // a log-in page may name a chat, too
    return response.redirected && before === this.#base && name ? decodeURIComponent(name) : null;
  }

  /**
   * Leave the page when the session has ended. The address of the login page does not name this
   * one, as the next person may be another; the server knows it by the Referer.
   */
  leave() {
    document.dispatchEvent(new CustomEvent("api:leaving"));
    location.assign(this.#login);
  }

  async #change(path, method, body, { patience, signal, type = "application/json" } = {}) {
    const ask = () => {
      const headers = { "Content-Type": type, "X-CSRFToken": this.#csrf };
      return this.#request(path, { method, headers, body }, { patience, signal });
    };
    try {
      return await ask();
    } catch (error) {
      if (error.code !== "csrf" || !(await this.#renewToken())) throw error;
      return ask();
    }
  }

  async #request(path, options, { patience = PATIENCE, signal: stopped } = {}) {
    const ask = (signal) => this.#fetch(path, { ...options, signal });
    const { response, answer } = await within(patience, ask, stopped).catch(unreachable);
    const date = response.headers.get("Date");
    document.dispatchEvent(new CustomEvent("api:answered", { detail: { date } }));
    if (response.ok) return answer;
    if (response.status === 401) this.leave();
    const seconds = Number(response.headers.get("Retry-After")) || null;
    const { error, ...rest } = answer ?? {};
    throw new Refusal(response.status, error, seconds, rest);
  }

  async #fetch(path, options) {
    const response = await fetch(`${this.#base}api/${path}`, {
      ...options,
      headers: { ...options.headers, "X-User-ID": this.#userId },
      credentials: "same-origin",
    });
    return { response, answer: await response.json() };
  }

  /** Take the token of a fresh page, as another tab has logged in since this page was made. */
  async #renewToken() {
    const ask = async (signal) => {
      const options = { credentials: "same-origin", headers: UNSEEN };
      const response = await fetch(location.href, { ...options, signal });
      return await response.text();
    };
    const words = await within(PATIENCE, ask).catch(unreachable);
    const page = new DOMParser().parseFromString(words, "text/html");
    const { csrf, userId } = page.body.dataset;
    if (!csrf || userId !== this.#userId) return false;
    this.#csrf = csrf;
    return true;
  }
}

function unreachable(error) {
  throw new Unreachable(error.message);
}

/** The words for the reader of an error, whatever it is. */
export function wordsOf(error) {
  return error.words ?? text("failed");
}
