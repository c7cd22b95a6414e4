// The entry of the pages of the chat, which starts their parts.
import { Api } from "./api.js";
import { Badges } from "./page/badges.js";
import { Clock } from "./page/clock.js";
import { Connection } from "./page/connection.js";
import { attempt } from "./page/attempt.js";
import { guardDrops } from "./page/drops.js";
import { watchDialogs } from "./page/focus.js";
import { Forms } from "./page/forms.js";
import { Keys } from "./page/keys.js";
import { Navigator } from "./page/navigator.js";
import { fillIn } from "./page/older.js";
import { Pending } from "./page/pending.js";
import { Saving } from "./page/saving.js";
import { onLate, watchLate } from "./page/late.js";
import { forgetOthers } from "./page/memory.js";
import { sendOnce } from "./page/once.js";
import { watchCountdown } from "./page/register.js";
import { Roving } from "./page/roving.js";
import { followKeyboard } from "./page/screen_keyboard.js";
import { watchSwipes } from "./page/swipe.js";
import { passNotices } from "./page/toast.js";
import { TypeAhead } from "./page/type_ahead.js";
import { Attention } from "./chat/attention.js";
import { Befriended } from "./chat/befriended.js";
import { ChatList } from "./chat/list.js";
import { ChatStore } from "./chat/store.js";
import { Contacts } from "./chat/contacts.js";
import { Conversation } from "./chat/conversation.js";
import { watchFaces } from "./chat/avatar.js";
import { FaceButton } from "./chat/face_button.js";
import { followFaces } from "./chat/faces.js";
import { followNames } from "./chat/names.js";
import { Online } from "./chat/online.js";
import { Outbox } from "./chat/outbox.js";
import { Feed } from "./live/feed.js";

function start(body) {
  fillIn();
  const api = new Api(body);
  const feed = new Feed(api, Number(body.dataset.lastEvent));
  feed.open(); // first: the network takes its time while the parts start
  const store = new ChatStore(api);
  const outbox = new Outbox(api, feed);
  const clock = new Clock();
  // They come with the second script, before the tools of a conversation.
  let [uploads, gallery] = [null, null];
  const go = (url) => navigator.visit(url);
  const replace = (url) => navigator.replace(url);
  const readdress = (url) => navigator.readdress(url);
  const list = new ChatList({ api, store, clock, replace });
  const rows = new Roving(document.getElementById("list"), {
    group: ".row",
    item: ".row-link",
    choose: (links) => links.find((link) => link.matches("[aria-current]")) ?? links[0],
  });
  const connection = new Connection(feed);
  const conversation = new Conversation({
    api,
    feed,
    store,
    outbox,
    uploads: () => uploads,
    clock,
    go,
    replace,
    readdress,
  });
  const badges = new Badges(store);
  const online = new Online(api);
  const contacts = new Contacts();
  const befriended = new Befriended(api.base);
  const faceButton = new FaceButton(api);
  const pending = new Pending(api);
  const typeAhead = new TypeAhead();
  const navigator = new Navigator({
    hold: () => conversation.endMode() || (gallery?.rest() ?? false) || faceButton.rest(),
    begin: (isSamePage) => conversation.rest(isSamePage),
    leave: () => {
      list.disconnect();
      rows.disconnect();
      contacts.disconnect();
      conversation.disconnect();
      gallery?.disconnect();
      faceButton.disconnect();
    },
    arrive: (page) => {
      if (page.title) badges.setTitle(page.title);
      watchCountdown(document.querySelector("[data-countdown]"));
      list.connect();
      rows.connect();
      contacts.connect();
      connection.arrive();
      conversation.connect(page);
      gallery?.connect();
      faceButton.connect();
      online.arrive();
      befriended.arrive();
      pending.arrive();
      passNotices();
    },
    settled: (missed) => {
      conversation.wake();
      typeAhead.pour(missed);
    },
  });

  onLate(({ Gallery, Uploads }) => {
    uploads = new Uploads(api, outbox);
    uploads.start();
    gallery = new Gallery(api);
    gallery.connect();
  });
  watchLate();
  // They hear of an event in this order: those that count and keep come before those that show.
  clock.start();
  store.start();
  followNames();
  followFaces();
  contacts.start();
  befriended.start();
  connection.start();
  conversation.start();
  store.load(document);
  badges.start();
  attempt(() => new Attention(store).start());
  online.start();
  new Forms(navigator).start();
  new Saving(() => badges.redraw()).start();
  attempt(() => pending.start());
  new Keys({ base: api.base, store, visit: go, address: () => navigator.address }).start();
  typeAhead.start();
  watchDialogs();
  watchFaces();
  guardDrops();
  watchSwipes();
  followKeyboard();
  navigator.start();
  outbox.start();
  feed.start();
}

if (document.body.dataset.userId) {
  forgetOthers();
  start(document.body);
}
sendOnce(); // last: forms that scripts answer are not its own
