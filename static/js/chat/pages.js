// The history of the open conversation: older and newer pages, and what this page has missed.
const PAGE_SIZE = 50;
const ASKED_AGAIN = 5_000; // ms

export class Pages {
  #api;
  #thread;
  #element;
  #older = document.getElementById("older");
  #receive;
  #atEnd;
  #isConnected = false;
  #loading = null; // the page under way
  #hasOlder;
  #hasNewer; // the thread ends somewhere in the history
  #grown;

  /**
   * `receive` gets each message that was missed; `atEnd` is called when the thread has reached
   * its end, `grown` after each page.
   */
  constructor(element, { api, thread, receive, atEnd, grown }) {
    this.#element = element;
    this.#api = api;
    this.#thread = thread;
    this.#receive = receive;
    this.#atEnd = atEnd;
    this.#hasOlder = element.dataset.more === "true";
    this.#grown = grown;
    this.#setNewer(element.dataset.newer === "true");
  }

  connect() {
    this.#isConnected = true;
    this.#older.addEventListener("click", this.#onOlder);
  }

  disconnect() {
    this.#isConnected = false;
    this.#older.removeEventListener("click", this.#onOlder);
  }

  /** Whether there are newer messages than the thread holds. */
  get hasNewer() {
    return this.#hasNewer;
  }

  /** Whether there are older messages than the thread holds. */
  get hasOlder() {
    return this.#hasOlder;
  }

  /** Hold the messages after an id and some before it, however far; false if that failed. */
  async jump(after) {
    while (this.#loading) await this.#loading;
    if (!(await this.#load(`after=${after}`, this.#takeJump))) return false;
    await this.#loadOlder();
    return true;
  }

  #setNewer(hasNewer) {
    this.#hasNewer = hasNewer;
    this.#thread.place.holdsEnd = !hasNewer;
  }

  /** Fill a tall screen from the history if the first page is short. */
  fill() {
    if (this.#thread.place.isShort) this.#loadOlder();
  }

  /** Load the messages that are about to come into view. */
  scrolled() {
    if (this.#thread.place.isNearStart) this.#loadOlder();
    if (this.#hasNewer && this.#thread.place.isNearEnd) this.#loadNewer();
  }

  /** Ask for everything after the newest message of the thread. */
  async catchUp() {
    if (this.#hasNewer) return; // scrolling down will come to it
    const username = this.#with;
    let after = this.#thread.order.newestId; // live messages may come in between
    let more = true;
    while (more && this.#isStill(username)) {
      const answer = await this.#page(`after=${after}`).catch(waitOrStop);
      if (!this.#isStill(username)) return;
      if (!answer) continue;
      for (const message of answer.messages) this.#receive(message);
      after = answer.messages.at(-1)?.id ?? after;
      more = answer.more;
    }
  }

  #onOlder = (event) => {
    event.preventDefault();
    this.#loadOlder();
  };

  async #loadOlder() {
    if (this.#hasOlder) await this.#load(`before=${this.#thread.order.oldestId}`, this.#takeOlder);
  }

  async #loadNewer() {
    await this.#load(`after=${this.#thread.order.newestId}`, this.#takeNewer);
  }

  /** Fetch a page and take it, unless one is under way or the reader has left meanwhile. */
  async #load(range, take) {
    if (this.#loading) return false;
    this.#loading = this.#take(range, take);
    const isTaken = await this.#loading;
    this.#loading = null;
    return isTaken;
  }

  async #take(range, take) {
    const username = this.#with;
    try {
      const answer = await this.#page(range);
      if (!this.#isStill(username)) return false;
      await take(answer);
      this.#grown();
      return true;
    } catch {
      return false; // the next scroll tries again, and the link to older messages stays
    }
  }

  #takeOlder = (answer) => {
    if (this.#thread.putOlder(answer.messages)) this.#setNewer(true);
    this.#reach(answer.more);
  };

  #takeJump = (answer) => {
    if (!answer.messages.length) return;
    this.#thread.replace(answer.messages);
    this.#reach(true);
    return this.#endAt(answer);
  };

  #takeNewer = (answer) => {
    if (this.#thread.putNewer(answer.messages)) this.#reach(true);
    return this.#endAt(answer);
  };

  async #endAt(answer) {
    this.#setNewer(answer.more);
    if (answer.more) return;
    // Messages that came since the answer were left for this moment.
    await this.catchUp();
    if (this.#isConnected) this.#atEnd();
  }

  /** Whether there are older messages than the thread holds. */
  #reach(hasOlder) {
    this.#hasOlder = hasOlder;
    this.#thread.place.keep(this.#thread.order.first, () => {
      this.#older.parentElement.hidden = !hasOlder;
    });
  }

  #page(range) {
    const path = `${this.#api.conversation(this.#with)}messages/`;
    return this.#api.get(`${path}?${range}&limit=${PAGE_SIZE}`);
  }

  get #with() {
    return this.#element.dataset.with;
  }

  #isStill(username) {
    return this.#isConnected && this.#with === username;
  }
}

/** Wait until it may be asked again; a refusal that lasts is thrown. */
async function waitOrStop(error) {
  if (!error.isPassing) throw error;
  await new Promise((resolve) => setTimeout(resolve, ASKED_AGAIN));
}
