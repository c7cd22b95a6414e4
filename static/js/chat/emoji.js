// The panel of emoji beside the field; the last used come first.
import { findField, hasScreenKeyboard, keepFocus } from "../page/focus.js";
import { recall, remember } from "../page/memory.js";

const RECENT = 16;
const ALL = [
  ..."😀😁😂🤣😊😉😍😘😜🤪🤔🤨😐😏🙄😬😌😴😷🤒🤧🥳😎🤓😕😟😮😳🥺😢😭😤😠😡🤯😱😨🥱😇🤗🤭🤫🤡👻💀🤖",
  ..."👍👎👌✌🤞🤟🤙👏🙌🙏💪👋🤝👀🧠👶👦👧👨👩👴👵🙋🙅🙆🤦🤷🏃💃🕺",
  ..."❤🧡💛💚💙💜🖤💔💕💯💢💥💤🎉🎊🎁🎂🎈🏆🥇⚽🏀🏓🎮🎵🎸🎬📷💻📱⌚💡📚📝📎📌🔑🔒",
  ..."🌞🌙⭐🌈⛅🌧❄🔥💧🌊🌸🌹🍀🌲🐶🐱🐭🐰🐼🐨🐯🐮🐷🐸🐵🐔🐧🐟🐝🍎🍉🍌🍓🍑🍅🥕🍔🍟🍕🍜🍚🥟🍦🍰☕🍵🍺🚲🚗🚌🚄✈🏠🏫🏥",
].map((emoji) => (/\p{Emoji_Presentation}/u.test(emoji) ? emoji : `${emoji}\ufe0f`));

export class EmojiPanel {
  #button = document.getElementById("emoji-button");
  #panel = document.getElementById("emoji-panel");
  #insert;

  constructor(insert) {
    this.#insert = insert;
  }

  connect() {
    this.#button.addEventListener("click", this.#onButton);
    this.#panel.addEventListener("click", this.#onPick);
    this.#panel.addEventListener("mousedown", keepFocus);
    this.#panel.addEventListener("keydown", this.#onKeyDown);
    this.#panel.closest("form").addEventListener("keydown", this.#onEscape);
    document.addEventListener("pointerdown", this.#onOutside);
  }

  disconnect() {
    this.#button.removeEventListener("click", this.#onButton);
    this.#panel.removeEventListener("click", this.#onPick);
    this.#panel.removeEventListener("mousedown", keepFocus);
    this.#panel.removeEventListener("keydown", this.#onKeyDown);
    this.#panel.closest("form").removeEventListener("keydown", this.#onEscape);
    document.removeEventListener("pointerdown", this.#onOutside);
  }

  #onButton = (event) => this.toggle(event);

  toggle(event) {
    if (!this.#panel.hidden) this.#close();
    else this.#open();
    // The keyboard walks through the panel; a pointer needs no focus there.
    if (event.detail === 0 && !this.#panel.hidden) this.#focus(0);
    else this.#toField();
  }

  #open() {
    const recent = recall("emoji") ?? [];
    const rest = ALL.filter((emoji) => !recent.includes(emoji));
    this.#panel.replaceChildren(...[...recent, ...rest].map((emoji) => this.#make(emoji)));
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#panel.scrollTop = 0;
    this.#panel.firstElementChild.tabIndex = 0;
  }

  #close() {
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
  }

  /** Go on where one types; the panel takes the place of a keyboard on the screen. */
  #toField() {
    const field = findField();
    if (!field) return;
    field.inputMode = this.#panel.hidden ? "" : "none";
    field.focus({ preventScroll: true });
  }

  #make(emoji) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = emoji;
    button.tabIndex = -1;
    return button;
  }

  #onPick = (event) => {
    const emoji = event.target.closest("button")?.textContent;
    if (!emoji) return;
    const recent = [emoji, ...(recall("emoji") ?? []).filter((each) => each !== emoji)];
    remember("emoji", recent.slice(0, RECENT));
    this.#insert(emoji);
    this.#toField();
  };

  #onEscape = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || this.#panel.hidden) return;
    event.preventDefault();
    this.#close();
    this.#toField();
  };

  #onKeyDown = (event) => {
    const buttons = [...this.#panel.children];
    const columns = buttons.filter((each) => each.offsetTop === buttons[0].offsetTop).length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (!step) return;
    event.preventDefault();
    this.#focus(buttons.indexOf(document.activeElement) + step);
  };

  #focus(place) {
    const buttons = this.#panel.children;
    const button = buttons[Math.max(0, Math.min(place, buttons.length - 1))];
    for (const each of buttons) each.tabIndex = each === button ? 0 : -1;
    button.focus();
  }

  #onOutside = ({ target }) => {
    if (this.#panel.hidden || this.#panel.contains(target) || this.#button.contains(target)) return;
    // Sending goes on without a keyboard.
    if (target.closest(".send")) return;
    this.#close();
    const field = findField();
    if (!field) return;
    field.inputMode = "";
    // Only a new focus calls the keyboard up again.
    if (hasScreenKeyboard()) field.blur();
  };
}
