/** Show on the connection page how messages arrive. */
export class Connection {
  #feed;

  constructor(feed) {
    this.#feed = feed;
  }

  start() {
    document.addEventListener("feed:working", () => this.arrive());
  }

  /** Show the transport in new panes. */
  arrive() {
    const element = document.getElementById("transport");
    if (element && this.#feed.transport) {
      element.textContent = element.dataset[this.#feed.transport];
    }
  }
}
