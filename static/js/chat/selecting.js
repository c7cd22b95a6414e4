// The mode in which messages are ticked, and a bar acts on all of them, in place of the composer.
import { wordsOf } from "../api.js";
import { ask } from "../page/ask.js";
import { copy } from "../page/clipboard.js";
import { focusField, isDialogOpen, isField } from "../page/focus.js";
import { isMenuOpen } from "../page/menu.js";
import { isSecondOfTwo } from "../page/press.js";
import { Roving } from "../page/roving.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { read } from "./bubble.js";
import { Selection, TICKED_AT_MOST } from "./selection.js";

export class Selecting {
  #element;
  #back;
  #api;
  #thread;
  #forwarding;
  #keys;
  #selection = new Selection();
  #isOn = false;
  #scroller = document.getElementById("thread");
  #list = document.getElementById("messages");
  #bar = document.getElementById("selection");
  #composer = document.getElementById("composer");
  #watch = new MutationObserver(() => this.#settle());
  #roving = new Roving(this.#list, {
    group: ".message",
    item: ".tick",
    choose: (ticks) => ticks[ticks.length - 1],
  });
  #acts = {
    forward: () => this.#forward(),
    copy: () => this.#copy(),
    delete: () => this.#delete(),
    cancel: () => this.#end(),
  };

  /** `keys` are those of the messages, which rest meanwhile. */
  constructor(element, { api, thread, forwarding, keys }) {
    this.#element = element;
    this.#back = element.querySelector(".back");
    this.#api = api;
    this.#thread = thread;
    this.#forwarding = forwarding;
    this.#keys = keys;
  }

  /** Leave the mode together with the chat. */
  disconnect() {
    if (this.#isOn) this.#stop();
  }

  /** Enter the mode with one message ticked. */
  begin(message) {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#selection.toggle(read(message));
    this.#keys.disconnect();
    this.#change(message);
    this.#watch.observe(this.#list, {
      childList: true,
      subtree: true,
      attributeFilter: ["data-id", "data-state"],
    });
    this.#roving.connect();
    this.#listen("addEventListener");
    message.querySelector(".tick").focus({ preventScroll: true });
  }

  /** Leave the mode, and the focus where it goes; false if it is not on. */
  rest() {
    if (!this.#isOn) return false;
    this.#stop();
    this.#change(this.#topmost);
    this.#keys.connect();
    return true;
  }

  /** Leave the mode for where one types. */
  #end() {
    this.rest();
    focusField();
  }

  #stop() {
    this.#isOn = false;
    this.#selection.clear();
    this.#watch.disconnect();
    this.#roving.disconnect();
    this.#listen("removeEventListener");
  }

  /** `how` is the name of a method; in the messages, we hear of everything before they do. */
  #listen(how) {
    this.#scroller[how]("click", this.#onClick, true);
    this.#scroller[how]("keydown", this.#onKey, true);
    for (const name of ["contextmenu", "mousedown"]) this.#scroller[how](name, holdBack, true);
    this.#scroller[how]("pointerdown", passBy, true);
    this.#list[how]("change", this.#onChange);
    this.#bar[how]("click", this.#onAct);
    this.#back[how]("click", this.#onBack);
    document[how]("keydown", this.#onEscape, true);
    document[how]("live:message_changed", this.#onMessageChanged);
    document[how]("live:message_hidden", this.#onMessageHidden);
  }

  /** Show the mode, or the end of it, while one message stays where it is. */
  #change(message) {
    const { place } = this.#thread;
    const isAtEnd = place.isAtEnd;
    place.keep(message, () => this.#show());
    if (isAtEnd) place.scrollToEnd();
  }

  #show() {
    this.#scroller.classList.toggle("selecting", this.#isOn);
    this.#bar.hidden = !this.#isOn;
    this.#composer.hidden = this.#isOn;
    if (this.#isOn) this.#settle();
    else for (const tick of this.#list.querySelectorAll(".tick")) tick.remove();
  }

  /** Give each message of the server its box, also those that have just come. */
  #settle() {
    for (const message of this.#list.querySelectorAll('.message:not([data-id=""])')) {
      const tick = message.querySelector(".tick") ?? addTick(message);
      tick.checked = this.#selection.has(Number(message.dataset.id));
    }
    this.#count();
  }

  #count() {
    const count = this.#selection.size;
    document.getElementById("selection-count").textContent = text("selected", { count });
    this.#button("forward").disabled = !this.#selection.canForward;
    this.#button("copy").disabled = !this.#selection.canCopy;
    this.#button("delete").disabled = !count;
  }

  #button(act) {
    return this.#bar.querySelector(`[data-act="${act}"]`);
  }

  /** The first message in view, which stays where it is. */
  get #topmost() {
    const { top } = this.#scroller.getBoundingClientRect();
    return this.#thread.order.all.find((each) => each.getBoundingClientRect().bottom > top);
  }

  /** A click anywhere in the row of a message is one on its box. */
  #onClick = (event) => {
    const message = event.target.closest(".message");
    if (!message || event.target.matches(".tick")) return;
    holdBack(event);
    if (!isSecondOfTwo(event)) message.querySelector(".tick")?.click();
  };

  #onChange = ({ target }) => {
    if (!target.matches(".tick")) return;
    const isTicked = this.#selection.toggle(read(target.closest(".message")));
    if (!isTicked) toast(text("selected_too_many", { limit: TICKED_AT_MOST }));
    this.#settle();
  };

  /** Enter ticks, too; what else a message holds is out of reach. */
  #onKey = (event) => {
    if (!event.target.matches(".tick")) return;
    if (event.key === "Enter") event.target.click();
    else if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
  };

  #onEscape = (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    if (isField(document.activeElement) || isDialogOpen() || isMenuOpen()) return;
    event.preventDefault();
    event.stopPropagation();
    this.#end();
  };

  /** The first step back leads out of the mode. */
  #onBack = (event) => {
    event.preventDefault();
    this.#end();
  };

  #onMessageChanged = ({ detail: { message } }) => {
    if (message.state !== "sent" && this.#selection.drop(message.id)) this.#settle();
  };

  #onMessageHidden = ({ detail: { message_id: id } }) => {
    if (this.#selection.drop(id)) this.#settle();
  };

  #onAct = (event) => {
    const { act } = event.target.closest("[data-act]")?.dataset ?? {};
    if (act && !isSecondOfTwo(event)) this.#acts[act]();
  };

  async #forward() {
    if (await this.#forwarding.forward(this.#selection.messages)) this.#leave();
  }

  async #copy() {
    if (await copy(this.#selection.copied)) this.#leave();
  }

  async #delete() {
    if (!(await ask(this.#question, text("delete")))) return;
    const { ids } = this.#selection; // without those that have gone while the question stood
    const path = `${this.#api.conversation(this.#element.dataset.with)}messages/hide/`;
    try {
      if (ids.length) await this.#api.post(path, { ids });
    } catch (error) {
      toast(wordsOf(error));
      return;
    }
    this.#leave();
    // As the events that follow do; what another page has deleted meanwhile has gone, too.
    for (const id of ids) {
      document.dispatchEvent(
        new CustomEvent("live:message_hidden", { detail: { message_id: id } }),
      );
    }
    toast(text(ids.length === 1 ? "deleted" : "deleted_several", { count: ids.length }));
  }

  get #question() {
    const count = this.#selection.size;
    return text(count === 1 ? "delete_question" : "delete_several_question", { count });
  }

  /** Leave after an act, unless the reader has left meanwhile. */
  #leave() {
    if (this.#isOn) this.#end();
  }
}

function addTick(message) {
  const tick = document.createElement("input");
  tick.type = "checkbox";
  tick.className = "tick";
  tick.tabIndex = -1; // until it is the stop of all
  const body = message.querySelector(".message-body");
  body.id ||= `message-${message.dataset.id}`;
  tick.setAttribute("aria-labelledby", body.id);
  message.prepend(tick);
  return tick;
}

/** Keep an event on a message from the message. */
function holdBack(event) {
  if (!event.target.closest(".message") || event.target.matches(".tick")) return;
  event.preventDefault();
  event.stopPropagation();
}

/** No press becomes a long one; whatever it begins else is not prevented. */
function passBy(event) {
  if (event.target.closest(".message")) event.stopPropagation();
}
