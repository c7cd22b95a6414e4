"""The event log: the one place that writes what happened, and reads it back for one person."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db.models import Max

from accounts.models import User
from friends.api import friend_json, request_json
from friends.models import FriendRequest, Friendship
from webchat.snapshot import read_snapshot

from .models import Event, EventLog, Membership, Message
from .presentation import ConversationView, view_message

BATCH = 500  # events in one answer

Kind = Event.Kind


def record(events: Iterable[Event]) -> list[Event]:
    """Append to the log, inside the transaction of what happened.

    Ids are handed out here. SQLite has one writer, so they are in the order of the commits;
    a database with several needs a lock around this function, or `id > cursor` loses rows.
    """
    return Event.objects.bulk_create(events)


def head() -> int:
    """The id of the newest event, also when its row is gone."""
    return _bounds()[1]


def keep_head() -> None:
    """Remember the head before rows at the end of the log may fall with an account."""
    EventLog.objects.update_or_create(pk=1, defaults={"head_at_least": head()})


@dataclass(frozen=True, slots=True)
class Missed:
    """What somebody missed: events in order, the id to go on from, whether there is more."""

    events: list[dict[str, Any]]
    last_event: int
    more: bool


def read_after(viewer: User, after: int | None) -> Missed | None:
    """What `viewer` may see *now* of what came after an event id; without one, just the head.

    None when the log cannot tell any more: the id is older than what it keeps, or beyond its
    head, as after a restored backup. Then the page must be loaded anew.
    """
    with read_snapshot():
        pruned_through, last = _bounds()
        if after is None or after == last:
            return Missed([], last, more=False)
        if not pruned_through <= after <= last:
            return None
        audience = Audience.of(viewer)
        found = _audible(audience, after)
        more = len(found) > BATCH
        found = found[:BATCH]
        shown = [json for event in found if (json := audience.show(event))]
        return Missed(shown, found[-1].pk if more else last, more)


def _bounds() -> tuple[int, int]:
    """Between which ids the log can tell what happened."""
    log = EventLog.objects.filter(pk=1).first() or EventLog()
    newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
    return log.pruned_through, max(newest, log.head_at_least, log.pruned_through)


def _audible(audience: Audience, after: int) -> list[Event]:
    """The next events for one person, one more than a batch; each source by its own index."""
    log = Event.objects.filter(id__gt=after).select_related("message").order_by("id")
    sources = (
        log.filter(user=audience.viewer),
        log.for_members_of(list(audience.friend_by_conversation)),
        log.for_everyone(),
    )
    merged = heapq.merge(*(source[: BATCH + 1] for source in sources), key=attrgetter("pk"))
    return list(merged)[: BATCH + 1]


class Audience:
    """One person, and what they may see at this moment."""

    def __init__(self, viewer: User, friendships: dict[int, Friendship]) -> None:
        self.viewer = viewer
        self.friendships = friendships
        self.friend_by_conversation: dict[int, User] = {}
        for membership in Membership.objects.filter(user=viewer).select_related("conversation"):
            other = friendships.get(membership.conversation.other_id(viewer.pk))
            if other is not None:
                self.friend_by_conversation[membership.conversation_id] = other.friend

    @classmethod
    def of(cls, viewer: User) -> Audience:
        return cls(viewer, {f.friend_id: f for f in Friendship.objects.of(viewer)})

    def show(self, event: Event) -> dict[str, Any] | None:
        """E of the contract, or None where its subject is not (any more) theirs to see."""
        show = SHOWN.get(Kind(event.kind))
        body = show(self, event) if show else event.data
        return None if body is None else {"id": event.pk, "kind": event.kind} | body

    def _message(self, event: Event) -> dict[str, Any] | None:
        friend = self.friend_by_conversation.get(event.conversation_id or 0)
        if friend is None or event.message is None:
            return None
        view = view_message(event.message, viewer=self.viewer, friend=friend)
        return {"message": view.as_json()}

    def _read(self, event: Event) -> dict[str, Any] | None:
        friend = self.friend_by_conversation.get(event.conversation_id or 0)
        return friend and {"with": friend.username} | event.data

    def _conversation(self, event: Event) -> dict[str, Any] | None:
        friend = self.friend_by_conversation.get(event.conversation_id or 0)
        if friend is None:
            return None
        friendship = self.friendships[friend.pk]
        facts = dict(event.data)
        newest = Message.objects.filter(pk=facts.pop("last_message", None)).first()
        conversation = ConversationView(
            username=friend.username,
            remark=friendship.remark,
            blocked=friendship.blocked,  # type: ignore[attr-defined]
            last_message=newest and view_message(newest, viewer=self.viewer, friend=friend),
            **facts,
        )
        return {"conversation": conversation.as_json()}

    def _request(self, event: Event) -> dict[str, Any] | None:
        direction = event.data["direction"]
        requests = (
            FriendRequest.objects.sent_by(self.viewer)
            if direction == "sent"
            else FriendRequest.objects.received_by(self.viewer)
        )
        request = requests.filter(pk=event.data["request"]).first()
        return request and {
            "request": request_json(request, self.viewer),
            "direction": direction,
        }

    def _friend(self, event: Event) -> dict[str, Any] | None:
        friendship = self.friendships.get(event.data["friend"])
        if friendship is None:
            return None
        shown: dict[str, Any] = {"friend": friend_json(friendship)}
        if event.kind == Kind.FRIEND_CHANGED:
            shown["old_username"] = event.data.get("old_username") or friendship.username
        return shown


SHOWN = {
    Kind.MESSAGE: Audience._message,
    Kind.MESSAGE_CHANGED: Audience._message,
    Kind.READ: Audience._read,
    Kind.CONVERSATION_CHANGED: Audience._conversation,
    Kind.FRIEND_REQUEST: Audience._request,
    Kind.FRIEND_ADDED: Audience._friend,
    Kind.FRIEND_CHANGED: Audience._friend,
}
