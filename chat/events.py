"""The event log: the one place that writes what happened, and reads it back for one person."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from friends.models import FriendRequest, Friendship
from friends.presentation import friend_json, request_json
from webchat.database.bulk import next_ids, stored
from webchat.database.snapshot import read_snapshot

from .models import (
    Announcement,
    Conversation,
    Event,
    EventLog,
    EventQuerySet,
    HiddenMessage,
    Membership,
    Message,
    Notice,
)
from .notices.presentation import notice_text
from .presentation import ConversationView, load_quoted, view_message

BATCH = 500  # events in one answer
KEPT_FOR = timedelta(days=7)  # at least: who was away for longer loads the page anew

Kind = Event.Kind


def record(events: Iterable[Event]) -> list[Event]:
    """Append to the log, inside the transaction of what happened.

    Ids are handed out here. SQLite has one writer, so they are in the order of the commits;
    a database with several needs a lock around this function, or `id > cursor` loses rows.
    """
    return Event.objects.bulk_create(events)


# The messages have ids without a gap, and so have their events.
RECORD_MESSAGES = """
INSERT INTO chat_event (id, kind, conversation_id, message_id, data, created_at)
SELECT id + %s, %s, conversation_id, id, %s, %s FROM chat_message WHERE id BETWEEN %s AND %s
"""


def record_messages(messages: range) -> range:
    """`record` for many new messages, by their ids; the events' ids."""
    if not messages:
        return messages
    ids = next_ids(Event, len(messages))
    data = stored(Event, "data", {})
    now = stored(Event, "created_at", timezone.now())
    first, last = messages[0], messages[-1]
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD_MESSAGES, [ids[0] - first, Kind.MESSAGE.value, data, now, first, last]
        )
    return ids


def conversation_changed(membership: Membership) -> Event:
    """The state of one person's conversation; from `with_unread` and `with_last_message`."""
    facts = {
        "last_message": membership.last_message_id,
        "unread": membership.unread,
        "last_read": membership.last_read,
        "pinned": membership.pinned,
        "muted": membership.muted,
        "marked_unread": membership.marked_unread,
        "hidden": membership.is_hidden,
    }
    return Event(
        kind=Kind.CONVERSATION_CHANGED,
        user_id=membership.user_id,
        conversation_id=membership.conversation_id,
        data=facts,
    )


def head() -> int:
    """The id of the newest event, also when its row is gone."""
    return _bounds()[1]


def keep_head() -> None:
    """Remember the head before rows at the end of the log may fall with an account."""
    EventLog.objects.update_or_create(pk=1, defaults={"head_at_least": head()})


def have_all_reload() -> None:
    """Let every page load anew, for changes that are not told one by one; in their transaction.

    An id is used up for it: the log goes on behind the point through which it knows nothing.
    """
    nothing = Event.objects.create(kind=Kind.ANNOUNCEMENT, data={})
    EventLog.objects.update_or_create(pk=1, defaults={"pruned_through": nothing.pk})
    nothing.delete()


@dataclass(frozen=True, slots=True)
class Missed:
    """What somebody missed: events in order, the id to go on from, whether there is more."""

    events: list[dict[str, Any]]
    last_event: int
    more: bool
    head: int


def read_after(viewer: User, after: int | None) -> Missed | None:
    """What `viewer` may see *now* of what came after an event id; without one, just the head.

    None when the log cannot tell any more: the id is older than what it keeps, or beyond its
    head, as after a restored backup. Then the page must be loaded anew.
    """
    with read_snapshot():
        pruned_through, last = _bounds()
        if after is None or after == last:
            return Missed([], last, more=False, head=last)
        if not pruned_through <= after <= last:
            return None
        sight = Sight([viewer], Friendship.objects.of(viewer))
        found = _audible(viewer, sight, after)
        more = len(found) > BATCH
        found = found[:BATCH]
        sight.look_up(found)
        shown = [body for event in found if (body := sight.show(event, viewer))]
        return Missed(shown, found[-1].pk if more else last, more, head=last)


@dataclass(frozen=True, slots=True)
class News:
    """What came after an event id for several people, in order: (user id, event)."""

    shown: list[tuple[int, dict[str, Any]]]
    through: int
    more: bool


def read_for(connected: Callable[[], Set[int]], after: int) -> News | None:
    """`read_after` for everyone who is connected to a process, in a fixed number of queries.

    Who that is, is asked when the snapshot stands: who comes later reads a later one.
    """
    with read_snapshot():
        pruned_through, last = _bounds()
        viewer_ids = connected()
        if after == last:
            return News([], last, more=False)
        if not pruned_through <= after <= last:
            return None
        found = list(_log().filter(id__gt=after)[: BATCH + 1])
        more = len(found) > BATCH
        found = found[:BATCH]
        audiences = [_audience(event, viewer_ids) for event in found]
        sight = _sight_of(set().union(*audiences), found)
        sight.look_up(found)
        shown = [
            (viewer_id, body)
            for event, audience in zip(found, audiences, strict=True)
            for viewer_id in audience
            if viewer_id in sight.viewers and (body := sight.show(event, sight.viewers[viewer_id]))
        ]
        return News(shown, found[-1].pk if more else last, more)


def _bounds() -> tuple[int, int]:
    """Between which ids the log can tell what happened."""
    log = EventLog.objects.filter(pk=1).first() or EventLog()
    newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
    return log.pruned_through, max(newest, log.head_at_least, log.pruned_through)


def _log() -> EventQuerySet:
    return Event.objects.select_related("message__attachment", "conversation").order_by("id")


def _audible(viewer: User, sight: Sight, after: int) -> list[Event]:
    """The next events for one person, one more than a batch; each source by its own index."""
    log = _log().filter(id__gt=after)
    mine = Membership.objects.filter(user=viewer).select_related("conversation")
    conversation_ids = [
        membership.conversation_id
        for membership in mine
        if sight.friendship(viewer, membership.conversation)
    ]
    sources = (log.filter(user=viewer), log.for_members_of(conversation_ids), log.for_everyone())
    merged = heapq.merge(*(source[: BATCH + 1] for source in sources), key=attrgetter("pk"))
    return list(merged)[: BATCH + 1]


def _audience(event: Event, viewer_ids: Set[int]) -> Set[int]:
    """Who of these people an event is for."""
    if event.user_id is not None:
        return viewer_ids & {event.user_id}
    if event.conversation is not None:
        return viewer_ids & {event.conversation.low_id, event.conversation.high_id}
    return viewer_ids


def _sight_of(viewer_ids: Set[int], found: Iterable[Event]) -> Sight:
    """What these people may see of these events, and no more of their friends than that."""
    other_ids = {event.data["friend"] for event in found if "friend" in event.data}
    for event in found:
        if event.conversation is not None:
            other_ids |= {event.conversation.low_id, event.conversation.high_id}
    friendships = Friendship.objects.filter(owner__in=viewer_ids, friend__in=other_ids)
    return Sight(User.objects.filter(pk__in=viewer_ids), friendships.with_friend())


class Sight:
    """Some people, and what they may see at this moment."""

    def __init__(self, viewers: Iterable[User], friendships: Iterable[Friendship]) -> None:
        self.viewers = {viewer.pk: viewer for viewer in viewers}
        self._friendships = {(f.owner_id, f.friend_id): f for f in friendships}
        self._requests: dict[int, FriendRequest] = {}
        self._messages: dict[int, Message] = {}
        self._quoted: dict[int, Message] = {}
        self._hidden: set[tuple[int, int]] = set()
        self._notices: dict[int, Notice] = {}
        self._announcements: dict[int, Announcement] = {}

    def look_up(self, found: Iterable[Event]) -> None:
        """Load what these events speak of without holding it."""
        facts = [event.data for event in found if event.data]
        requests = FriendRequest.objects.with_people().filter(
            pk__in={each["request"] for each in facts if "request" in each}
        )
        self._requests = {request.pk: request for request in requests}
        self._messages = Message.objects.with_attachment().in_bulk(
            {each["last_message"] for each in facts if each.get("last_message")}
        )
        messages = [event.message for event in found if event.message is not None]
        self._quoted = load_quoted(messages)
        hidden = HiddenMessage.objects.filter(
            user__in=self.viewers, message__in=[message.pk for message in messages]
        )
        self._hidden = set(hidden.values_list("user", "message"))
        self._notices = (
            Notice.objects.waiting()
            .select_related("report__about")
            .in_bulk({each["notice"] for each in facts if "notice" in each})
        )
        self._announcements = Announcement.objects.in_bulk(
            {each["announcement"] for each in facts if "announcement" in each}
        )

    def friendship(self, viewer: User, conversation: Conversation | None) -> Friendship | None:
        if conversation is None:
            return None
        return self._friendships.get((viewer.pk, conversation.other_id(viewer.pk)))

    def show(self, event: Event, viewer: User) -> dict[str, Any] | None:
        """E of the contract, or None where its subject is not (any more) theirs to see."""
        show = SHOWN.get(Kind(event.kind))
        body = show(self, event, viewer) if show else event.data
        return None if body is None else {"id": event.pk, "kind": event.kind} | body

    def _message(self, event: Event, viewer: User) -> dict[str, Any] | None:
        friendship = self.friendship(viewer, event.conversation)
        if friendship is None or event.message is None:
            return None
        if (viewer.pk, event.message.pk) in self._hidden:
            return None
        view = view_message(
            event.message, viewer=viewer, friend=friendship.friend, quoted=self._quoted
        )
        return {"message": view.as_json()}

    def _read(self, event: Event, viewer: User) -> dict[str, Any] | None:
        friendship = self.friendship(viewer, event.conversation)
        return {"with": friendship.username} | event.data if friendship else None

    def _conversation(self, event: Event, viewer: User) -> dict[str, Any] | None:
        friendship = self.friendship(viewer, event.conversation)
        if friendship is None:
            return None
        friend = friendship.friend
        facts = dict(event.data)
        newest = self._messages.get(facts.pop("last_message"))
        conversation = ConversationView(
            username=friend.username,
            remark=friendship.remark,
            blocked=friendship.blocked,
            last_message=view_message(newest, viewer=viewer, friend=friend) if newest else None,
            **facts,
        )
        return {"conversation": conversation.as_json()}

    def _request(self, event: Event, viewer: User) -> dict[str, Any] | None:
        request = self._requests.get(event.data["request"])
        direction = event.data["direction"]
        if request is None or (direction == "received" and request.is_hidden):
            return None
        return {"request": request_json(request, viewer), "direction": direction}

    def _friend(self, event: Event, viewer: User) -> dict[str, Any] | None:
        friendship = self._friendships.get((viewer.pk, event.data["friend"]))
        if friendship is None:
            return None
        shown: dict[str, Any] = {"friend": friend_json(friendship)}
        if event.kind == Kind.FRIEND_CHANGED:
            shown["old_username"] = event.data.get("old_username") or friendship.username
            if not friendship.friend.is_active:
                shown["unavailable"] = True
        return shown

    def _renamed(self, event: Event, viewer: User) -> dict[str, Any]:
        return {"username": viewer.username}

    def _notice(self, event: Event, viewer: User) -> dict[str, Any] | None:
        notice = self._notices.get(event.data["notice"])
        if notice is None:
            return None
        return {"notice_id": notice.pk, "text": notice_text(notice)}

    def _announcement(self, event: Event, viewer: User) -> dict[str, Any] | None:
        announcement = self._announcements.get(event.data["announcement"])
        # What was changed since is told by a later event.
        if announcement is None or announcement.edition != event.pk:
            return None
        return {"announcement_id": announcement.pk, "text": announcement.text}


SHOWN = {
    Kind.MESSAGE: Sight._message,
    Kind.MESSAGE_CHANGED: Sight._message,
    Kind.MESSAGE_HIDDEN: Sight._read,
    Kind.READ: Sight._read,
    Kind.CONVERSATION_CHANGED: Sight._conversation,
    Kind.FRIEND_REQUEST: Sight._request,
    Kind.FRIEND_ADDED: Sight._friend,
    Kind.FRIEND_CHANGED: Sight._friend,
    Kind.RENAMED: Sight._renamed,
    Kind.NOTICE: Sight._notice,
    Kind.ANNOUNCEMENT: Sight._announcement,
}
