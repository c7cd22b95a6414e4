// The letters beside the contacts: a finger that slides along them scrolls the list.

export class LettersIndex {
  #bar = null;

  connect() {
    this.#bar = document.getElementById("letters");
    this.#bar?.addEventListener("pointerdown", this.#onDown);
    this.#bar?.addEventListener("pointermove", this.#onMove);
    this.#bar?.addEventListener("click", this.#onClick);
    for (const end of ["pointerup", "pointercancel"]) this.#bar?.addEventListener(end, this.#onEnd);
  }

  disconnect() {
    this.#bar?.removeEventListener("pointerdown", this.#onDown);
    this.#bar?.removeEventListener("pointermove", this.#onMove);
    this.#bar?.removeEventListener("click", this.#onClick);
    for (const end of ["pointerup", "pointercancel"]) {
      this.#bar?.removeEventListener(end, this.#onEnd);
    }
    this.#bar = null;
  }

  #onDown = (event) => {
    this.#bar.setPointerCapture(event.pointerId);
    this.#slideTo(event.clientY);
  };

  #onMove = (event) => {
    if (this.#bar.hasPointerCapture(event.pointerId)) this.#slideTo(event.clientY);
  };

  #onEnd = () => {
    for (const letter of this.#bar.children) letter.classList.remove("held");
  };

  /** Follow a link without another address, which would be a step back in the history. */
  #onClick = (event) => {
    event.preventDefault();
    const link = event.target.closest("a");
    if (link) show(link);
  };

  /** Show the letter at that height; above the first and below the last these stay. */
  #slideTo(y) {
    const letters = [...this.#bar.children];
    const at = letters.find((letter) => y < letter.getBoundingClientRect().bottom);
    const held = at ?? letters.at(-1);
    if (!held || held.classList.contains("held")) return;
    this.#onEnd();
    held.classList.add("held");
    show(held);
  }
}

function show(link) {
  const heading = document.getElementById(link.hash.slice(1));
  const list = heading?.closest(".pane-body");
  if (!list) return;
  list.scrollTop += heading.getBoundingClientRect().top - list.getBoundingClientRect().top;
}
