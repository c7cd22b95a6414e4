// The panel of emoji beside the field; the last used come first.
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
    this.#button.hidden = false;
    this.#button.addEventListener("click", this.#onButton);
    this.#panel.addEventListener("click", this.#onPick);
    this.#panel.addEventListener("keydown", this.#onKeyDown);
    document.addEventListener("pointerdown", this.#onOutside);
  }

  disconnect() {
    this.#button.removeEventListener("click", this.#onButton);
    this.#panel.removeEventListener("click", this.#onPick);
    this.#panel.removeEventListener("keydown", this.#onKeyDown);
    document.removeEventListener("pointerdown", this.#onOutside);
  }

  #onButton = () => (this.#panel.hidden ? this.#open() : this.#close());

  #open() {
    const recent = recall("emoji") ?? [];
    const rest = ALL.filter((emoji) => !recent.includes(emoji));
    this.#panel.replaceChildren(...[...recent, ...rest].map((emoji) => this.#make(emoji)));
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#panel.scrollTop = 0;
    this.#focus(0);
  }

  #close() {
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
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
  };

  #onKeyDown = (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      this.#close();
      this.#button.focus();
      return;
    }
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

  #onOutside = (event) => {
    if (!this.#panel.contains(event.target) && !this.#button.contains(event.target)) this.#close();
  };
}
