/** Say on the page of the connection in which way messages arrive. */
export class Connection {
  #feed;

  constructor(feed) {
    this.#feed = feed;
  }

  start() {
    document.addEventListener("feed:working", () => this.arrive());
  }

  /** The panes have changed. */
  arrive() {
    const element = document.getElementById("transport");
    if (element && this.#feed.transport) {
      element.textContent = element.dataset[this.#feed.transport];
    }
  }
}
