// The entry of every page: starts what stands on it.
import { Api } from "./api.js";
import { Badges } from "./page/badges.js";
import { Clock } from "./page/clock.js";
import { Connection } from "./page/connection.js";
import { Forms } from "./page/forms.js";
import { Navigator } from "./page/navigator.js";
import { Pending } from "./page/pending.js";
import { forget, forgetOthers } from "./page/memory.js";
import { watchCountdown, watchNames, watchRedirect } from "./page/register.js";
import { Attention } from "./chat/attention.js";
import { ChatList } from "./chat/list.js";
import { ChatStore } from "./chat/store.js";
import { Contacts } from "./chat/contacts.js";
import { Conversation } from "./chat/conversation.js";
import { followNames } from "./chat/names.js";
import { Online } from "./chat/online.js";
import { Outbox } from "./chat/outbox.js";
import { Feed } from "./live/feed.js";

function startSignedIn(body) {
  const api = new Api(body);
  const feed = new Feed(api, Number(body.dataset.lastEvent));
  const store = new ChatStore(api, feed);
  const outbox = new Outbox(api, feed);
  followNames();
  const clock = new Clock();
  const badges = new Badges(store);
  const online = new Online(api);
  const forms = new Forms();
  const behaviours = [
    new ChatList({ api, store, clock, visit: (url) => navigator.visit(url) }),
    new Contacts(),
    new Connection(feed),
    new Conversation({ api, feed, store, outbox, visit: (url) => navigator.visit(url) }),
  ];
  const navigator = new Navigator({
    leave: () => behaviours.forEach((behaviour) => behaviour.disconnect()),
    arrive: (page) => {
      badges.setTitle(page.title);
      watchCountdown(document.querySelector("[data-countdown]"));
      behaviours.forEach((behaviour) => behaviour.connect(page));
      online.arrive();
    },
  });

  store.load(document);
  badges.connect();
  new Attention(store).connect();
  online.connect();
  forms.connect(navigator);
  new Pending(api).connect();
  navigator.connect();
  outbox.start();
  feed.start();
}

if (document.body.dataset.userId) {
  forgetOthers();
  startSignedIn(document.body);
} else {
  forget();
  watchNames(document.getElementById("register"));
  watchCountdown(document.querySelector("[data-countdown]"));
  watchRedirect(document.querySelector("[data-redirect]"));
}
