// One visit to a conversation: the parts of its page, from the arrival until the reader leaves.
import { hasFiles, readDrop } from "../page/drops.js";
import { needLate, onLate } from "../page/late.js";
import { Arrival } from "./arrival.js";
import { Composer } from "./composer.js";
import { FloatingDay } from "./days.js";
import { Friend } from "./friend.js";
import { Incoming } from "./incoming.js";
import { Letters } from "./letters.js";
import { MessageKeys } from "./message_keys.js";
import { Pages } from "./pages.js";
import { ReadMark } from "./read_mark.js";
import { Thread } from "./thread.js";
import { Typing } from "./typing.js";
import { Unread } from "./unread.js";

const WISH = 10_000; // ms that what was clicked waits for the second script

export class Visit {
  #element;
  #base;
  #feed;
  #menu;
  #replace;
  #pages;
  #arrival;
  #composer;
  #makeTools;
  #tools = null; // they come with the second script
  #dropWish = () => {};
  #expectNoTools;
  #emojiButton = document.getElementById("emoji-button");
  #attachButton = document.getElementById("attach-button");
  #keys = new MessageKeys();
  #day = new FloatingDay();
  #newPill = document.getElementById("new-pill");
  #messages = document.getElementById("messages");

  /** `replace` leads to an address in place of this one, `readdress` gives this page another one. */
  constructor(element, { api, feed, store, outbox, uploads, clock, menu, replace, readdress }) {
    this.#element = element;
    this.#base = api.base;
    this.#feed = feed;
    this.#menu = menu;
    this.#replace = replace;
    const thread = new Thread(this.#onScroll);
    const pages = new Pages(element, {
      api,
      thread,
      receive: (message) => this.incoming.take(message),
      atEnd: this.#showUnsent,
      grown: () => this.unread.look(),
    });
    const composer = new Composer(document.getElementById("composer"), element.dataset.with, {
      send: this.#send,
      typing: () => feed.tell({ type: "typing", to: this.friend.username }),
    });
    this.thread = thread;
    this.#pages = pages;
    this.#arrival = new Arrival(element, { thread, pages, readdress });
    this.#composer = composer;
    this.typing = new Typing(element);
    this.letters = new Letters(element, { outbox, thread, clock });
    this.unread = new Unread({ thread, pages });
    const { unread } = this;
    this.readMark = new ReadMark(element, { api, feed, store, thread, pages, unread });
    this.friend = new Friend(element, { api, thread, composer, pages, readdress });
    const [keys, show, toEnd] = [this.#keys, this.#showLetter, this.#toEnd];
    const insert = (emoji) => composer.insert(emoji);
    this.#makeTools = (Tools) =>
      new Tools(element, {
        api,
        thread,
        pages,
        outbox,
        uploads: uploads(),
        store,
        clock,
        keys,
        insert,
        show,
        toEnd,
      });
    const { typing, readMark } = this;
    this.incoming = new Incoming(element, { outbox, thread, pages, typing, readMark, menu });
  }

  /** `lastEvent` is the last event that the page includes. */
  connect(lastEvent) {
    this.#arrival.connect();
    this.thread.connect();
    this.#composer.connect();
    this.#emojiButton.hidden = false;
    this.#emojiButton.addEventListener("click", this.#onEmoji);
    this.#attachButton.hidden = false;
    this.#attachButton.addEventListener("click", this.#onAttach);
    this.#element.addEventListener("dragover", this.#onDrop);
    this.#element.addEventListener("drop", this.#onDrop);
    this.#keys.connect();
    this.#day.connect();
    this.#expectNoTools = onLate(({ Tools }) => {
      this.#tools = this.#makeTools(Tools);
      this.#tools.connect();
    });
    this.#menu.connect({ composer: this.#composer, withTools: this.#withTools });
    this.#newPill.addEventListener("click", this.#toEnd);
    this.#messages.addEventListener("click", this.#onQuote);
    if (!this.#pages.hasNewer) this.letters.show();
    this.#pages.connect();
    this.unread.connect();
    this.readMark.show();
    this.#arrival.arrive();
    this.readMark.mark();
    // The page is older than the last event of this tab: the thread lacks the rest.
    if (lastEvent < this.#feed.cursor && !this.#pages.hasNewer) this.#pages.catchUp();
    this.#pages.fill();
  }

  endMode() {
    return this.#tools?.rest() ?? false;
  }

  /** Leave what acts on several messages, and take no words if another page is asked for. */
  rest(isSamePage) {
    this.#tools?.rest();
    if (!isSamePage) this.#composer.rest();
  }

  /** Go on here, where the other page has not come. */
  wake() {
    this.#composer.wake();
  }

  disconnect() {
    this.#arrival.disconnect();
    this.thread.disconnect();
    this.#composer.disconnect();
    this.#emojiButton.removeEventListener("click", this.#onEmoji);
    this.#attachButton.removeEventListener("click", this.#onAttach);
    this.#element.removeEventListener("dragover", this.#onDrop);
    this.#element.removeEventListener("drop", this.#onDrop);
    this.#keys.disconnect();
    this.#day.disconnect();
    this.#menu.disconnect();
    this.#expectNoTools();
    this.#tools?.disconnect();
    this.#tools = null;
    this.#newPill.removeEventListener("click", this.#toEnd);
    this.#messages.removeEventListener("click", this.#onQuote);
    this.#pages.disconnect();
    this.unread.disconnect();
    this.typing.disconnect();
  }

  #send = (words, quote) => {
    const letter = this.letters.write(words, quote);
    if (this.#pages.hasNewer) this.#toEnd();
    else this.letters.put(letter);
  };

  /** Show the letters and files on their way, which come after all messages. */
  #showUnsent = () => {
    this.letters.show();
    this.#tools?.showUploads();
  };

  /** Show a letter if it goes to this friend; where newer messages are missing, it comes after them. */
  #showLetter = (letter) => {
    if (letter.to === this.friend.username && !this.#pages.hasNewer) this.letters.put(letter);
  };

  /** Do it with the tools, if they come soon and nothing else is wished for meanwhile. */
  #withTools = (use) => {
    this.#dropWish();
    this.#dropWish = needLate(() => this.#tools && use(this.#tools));
    setTimeout(this.#dropWish, WISH);
  };

  /** A click before the panel is there opens it as soon as it is. */
  #onEmoji = (click) => {
    if (!this.#tools) this.#withTools((tools) => tools.toggleEmoji(click));
  };

  #onAttach = () => {
    if (!this.#tools) this.#withTools((tools) => tools.chooseFiles());
  };

  /** Files that are dropped before their place is there wait for it. */
  #onDrop = (event) => {
    if (this.#tools || !hasFiles(event)) return;
    event.preventDefault();
    if (event.type !== "drop") return;
    const dropped = readDrop(event.dataTransfer);
    this.#withTools((tools) => tools.offerDropped(dropped));
  };

  #onScroll = () => {
    this.readMark.mark();
    this.unread.look();
    this.#pages.scrolled();
    this.#arrival.note();
  };

  #toEnd = () => {
    if (this.#pages.hasNewer) this.#replace(this.#url());
  };

  #onQuote = (event) => {
    const link = event.target.closest(".quote");
    if (!link) return;
    event.preventDefault();
    const id = Number(link.dataset.quote);
    if (this.thread.order.has(id)) this.thread.scrollTo(id);
    else this.#replace(this.#url(`?at=${id}`));
  };

  #url(query = "") {
    return `${this.#base}chat/${encodeURIComponent(this.friend.username)}/${query}`;
  }
}
