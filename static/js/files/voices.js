// Voice messages: one plays at a time, and the next one that was not heard follows.
import { toast } from "../page/toast.js";
import { text } from "../strings.js";

const CHANGES = ["message_changed", "message_hidden"];

export class Voices {
  #list = document.getElementById("messages");
  #audio = new Audio();
  #playing = null; // the link

  connect() {
    this.#list.addEventListener("click", this.#onClick);
    this.#audio.addEventListener("ended", this.#onEnded);
    this.#audio.addEventListener("error", this.#onError);
    document.addEventListener("play", this.#onOther, true);
    document.addEventListener("recorder:listening", this.#onOther);
    for (const kind of CHANGES) document.addEventListener(`live:${kind}`, this.#onChange);
  }

  disconnect() {
    this.#list.removeEventListener("click", this.#onClick);
    this.#audio.removeEventListener("ended", this.#onEnded);
    this.#audio.removeEventListener("error", this.#onError);
    document.removeEventListener("play", this.#onOther, true);
    document.removeEventListener("recorder:listening", this.#onOther);
    for (const kind of CHANGES) document.removeEventListener(`live:${kind}`, this.#onChange);
    this.#stop();
  }

  #onClick = (event) => {
    const link = event.target.closest(".attachment.voice");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link === this.#playing) this.#stop();
    else if (link.href) this.#play(link);
  };

  #play(link) {
    this.#stop();
    this.#playing = link;
    link.classList.add("playing");
    this.#audio.src = link.href;
    // Refused at once where the browser plays nothing of this kind: `error` says it.
    this.#audio.play().catch(() => {});
  }

  #stop() {
    this.#playing?.classList.remove("playing");
    this.#playing = null;
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    this.#audio.load(); // what has not come yet is fetched no further
  }

  /** One that is recalled is heard no more. */
  #onChange = () =>
    setTimeout(() => {
      if (this.#playing && !this.#playing.isConnected) this.#stop();
    });

  /** A friend's voice messages that follow one another play as one. */
  #onEnded = () => {
    const message = this.#playing?.closest(".message.theirs");
    let next = message?.nextElementSibling;
    while (next && !next.matches(".message")) next = next.nextElementSibling; // a line between them
    this.#stop();
    const link = next?.matches(".theirs") ? next.querySelector(".attachment.voice") : null;
    if (link) this.#play(link);
  };

  #onError = () => {
    if (!this.#playing) return;
    this.#stop();
    toast(text("cannot_play"));
  };

  /** A video of the page that begins silences the voice, and so does speaking. */
  #onOther = ({ target }) => {
    if (target !== this.#audio) this.#stop();
  };
}
