"""The event log, read back for one person or for everyone who is connected."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from accounts.models import User
from chat.models import Event, EventLog, EventQuerySet, Membership
from friends.models import Friendship
from webchat.database.questions import Question, given, given_several
from webchat.database.snapshot import read_snapshot

from .sight import Sight

BATCH = 500  # events in one answer


def _log() -> EventQuerySet:
    return Event.objects.select_related("message__attachment", "conversation").order_by("id")


def _after() -> EventQuerySet:
    return _log().filter(id__gt=given("after"))


# The sources of one person's events, each by its own index.
OF_PERSON = Question(lambda: _after().filter(user=given("viewer")))
OF_CHATS = Question(lambda: _after().for_members_of(given_several("conversations")))
OF_EVERYONE = Question(lambda: _after().for_everyone())
CHATS = Question(
    lambda: Membership.objects.filter(user=given("viewer")).select_related("conversation")
)


@dataclass(frozen=True, slots=True)
class Missed:
    """The events that somebody missed, in order, the id to go on from, and whether more follow."""

    events: list[dict[str, Any]]
    last_event: int
    more: bool
    head: int


def read_after(viewer: User, after: int | None) -> Missed | None:
    """Read the events after an id that `viewer` may see *now*; without an id, just the head.

    None when the log can no longer tell: the id is older than the log, or beyond its head, as
    after a restored backup. Then the page must reload.
    """
    with read_snapshot():
        pruned_through, last = EventLog.objects.bounds()
        if after is None or after == last:
            return Missed([], last, more=False, head=last)
        if not pruned_through <= after <= last:
            return None
        sight = Sight([viewer], Friendship.objects.load(viewer))
        found = _audible(viewer, sight, after)
        more = len(found) > BATCH
        found = found[:BATCH]
        sight.look_up(found)
        shown = [body for event in found if (body := sight.show(event, viewer))]
        return Missed(shown, found[-1].pk if more else last, more, head=last)


@dataclass(frozen=True, slots=True)
class News:
    """The events after an id for several people, in order: (user id, event)."""

    shown: list[tuple[int, dict[str, Any]]]
    through: int
    more: bool


def read_for(connected: Callable[[], Set[int]], after: int) -> News | None:
    """Read as `read_after` does, for everyone connected to a process, in a fixed number of queries.

    `connected` is called within the snapshot: anybody who connects later reads a later one.
    """
    with read_snapshot():
        pruned_through, last = EventLog.objects.bounds()
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


def _audible(viewer: User, sight: Sight, after: int) -> list[Event]:
    """Load the next events for one person, a batch and one more."""
    conversation_ids = [
        membership.conversation_id
        for membership in CHATS.all(viewer=viewer.pk)
        if sight.friendship(viewer, membership.conversation)
    ]
    sources = (
        OF_PERSON.all(after=after, viewer=viewer.pk, at_most=BATCH + 1),
        OF_CHATS.all(after=after, conversations=conversation_ids, at_most=BATCH + 1)
        if conversation_ids
        else [],
        OF_EVERYONE.all(after=after, at_most=BATCH + 1),
    )
    return list(heapq.merge(*sources, key=attrgetter("pk")))[: BATCH + 1]


def _audience(event: Event, viewer_ids: Set[int]) -> Set[int]:
    """Find those of these people who are the audience of an event."""
    if event.user_id is not None:
        return viewer_ids & {event.user_id}
    if event.conversation is not None:
        return viewer_ids & {event.conversation.low_id, event.conversation.high_id}
    return viewer_ids


def _sight_of(viewer_ids: Set[int], found: Iterable[Event]) -> Sight:
    """Load what these people may see of these events, with no more friendships than needed."""
    other_ids = {event.data["friend"] for event in found if "friend" in event.data}
    for event in found:
        if event.conversation is not None:
            other_ids |= {event.conversation.low_id, event.conversation.high_id}
    friendships = Friendship.objects.filter(owner__in=viewer_ids, friend__in=other_ids)
    return Sight(User.objects.filter(pk__in=viewer_ids), friendships.with_friend())
