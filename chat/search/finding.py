"""The search in the messages that one person may see."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from accounts import budgets
from accounts.models import User
from friends.models import Friendship
from webchat.base.text import clean_text, searchable
from webchat.database.bulk import placeholders
from webchat.database.dialect import one_list_each
from webchat.database.patience import TookTooLong, limit_statements
from webchat.database.snapshot import read_snapshot

from ..file_rows import label_of
from ..models import HiddenMessage, Membership, Message, SearchFilter, SearchSegment
from ..presentation import MessageView, view_message, words_of
from .folding import Words
from .grams import blocks_that_may_hold, probes_of
from .naming import find_named

QUERY_LENGTH = 100
WORDS_AT_MOST = 16  # each is looked for in every message
LOOK_SECONDS = 1.0  # of processor time; a hundred thousand messages take a tenth
EXCERPT_BEFORE = 12  # characters of a message shown before the hit
EXCERPT_AFTER = 60
BEYOND = 2**63 - 1

# By ranges of the index (conversation, id), so that nothing else is read; the texts of each as one
# value: for every row that SQLite hands out, the threads pass the interpreter around.
LOOK = """
WITH stretch (conversation, after, through) AS (VALUES {stretches}),
part AS MATERIALIZED (
    SELECT conversation, after, through, coalesce((
        SELECT id FROM chat_message
        WHERE conversation_id = stretch.conversation
            AND id > stretch.after AND id <= stretch.through
        ORDER BY id DESC LIMIT 1 OFFSET %s
    ), after) AS beyond
    FROM stretch
)
SELECT conversation, after, beyond, (
    SELECT {columns} FROM chat_message
    WHERE conversation_id = part.conversation AND id > part.beyond AND id <= part.through
        AND recalled_at IS NULL AND removed_at IS NULL
)
FROM part
"""
TEXTS_AT_ONCE = 256  # of one stretch: the messages in no block yet may be very many
STRETCHES_FIRST = 16
STRETCHES_AT_ONCE = 32  # more read too much, fewer ask too often

AT_ONCE = 2  # searches in a process; each keeps a request thread and a processor busy
SEAT_SECONDS = 0.5  # that one waits, holding a thread, for another to end
RETRY_SECONDS = 5

_searching: set[int] = set()  # accounts
_seats = threading.Condition()


@contextmanager
def searching(user: User) -> Iterator[None]:
    """Hold one of the few seats for a search, within one's budget.

    Raises ValidationError: rate_limited, unavailable.
    """
    budgets.SEARCHING.take(user.pk, cost=0)
    with _seats:
        if not _seats.wait_for(lambda: _has_seat(user.pk), SEAT_SECONDS):
            message = _("Others are searching just now. Please try again in a moment.")
            raise ValidationError(message, "unavailable", {"retry_after": RETRY_SECONDS})
        _searching.add(user.pk)
    try:
        with budgets.SEARCHING.timed(user.pk):
            yield
    finally:
        with _seats:
            _searching.discard(user.pk)
            _seats.notify_all()


def _has_seat(user_id: int) -> bool:
    return len(_searching) < AT_ONCE and user_id not in _searching


class Query(Words):
    """The words of a search, all of which must be in a message, in any order and form.

    Raises ValidationError: invalid, too_long.
    """

    def __init__(self, typed: str) -> None:
        too_long = _("Search for at most %(limit)d characters.")
        self.text = clean_text(typed, most=QUERY_LENGTH, too_long=too_long)
        words = list(dict.fromkeys(searchable(self.text).split()))
        if len(words) > WORDS_AT_MOST:
            message = _("Search for at most %(limit)d words.") % {"limit": WORDS_AT_MOST}
            raise ValidationError(message, "too_long")
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a message, or of the name of its file, around the first word of the search."""

    before: str
    hit: str
    after: str

    def as_json(self) -> dict[str, str]:
        return {"before": self.before, "hit": self.hit, "after": self.after}


@dataclass(frozen=True, slots=True)
class Found:
    message: MessageView
    name: str
    excerpt: Excerpt
    face: str  # of the friend in whose chat it is
    sender_face: str

    @property
    def label(self) -> str:
        """Say what kind of file it is; empty for a text."""
        return label_of(self.message.attachment) if self.message.attachment else ""

    def as_json(self) -> dict[str, Any]:
        return {"message": self.message.as_json(), "excerpt": self.excerpt.as_json()}


def fold_by_chat(found: Iterable[Found]) -> list[list[Found]]:
    """Group hits by chat, the one with the newest first, as `search.js` does."""
    chats: dict[str, list[Found]] = defaultdict(list)
    for each in found:
        chats[each.message.with_].append(each)
    return list(chats.values())


def find_messages(
    viewer: User,
    query: Query,
    *,
    limit: int,
    before: int | None = None,
    friend_id: int | None = None,
) -> tuple[list[Found], bool]:
    """Find the newest messages with all the words, and whether there are more.

    `friend_id` searches the chat with one friend only. `before` reads on from the id of the last
    one found. If time runs out, there are fewer than `limit` and more to come; raises
    ValidationError("unavailable") if there is none yet.
    """
    if not query.words:
        return [], False
    with read_snapshot():
        chats = _open_chats(viewer, friend_id)
        last = BEYOND if before is None else before - 1
        stretches = _stretches(viewer, query, chats, last)
        try:
            named = partial(_find_named, query, chats, last)
            ids, is_cut = _look(viewer, query, named, stretches, limit + 1)
        except TookTooLong:
            raise _too_long() from None
        found = _show(viewer, query, chats, ids[:limit])
    return found, is_cut or len(ids) > limit


def _too_long() -> ValidationError:
    message = _("This search takes too long. Please look for a longer or rarer word.")
    return ValidationError(message, "unavailable", {"retry_after": RETRY_SECONDS})


def _show(viewer: User, query: Query, chats: dict[int, Chat], ids: Sequence[int]) -> list[Found]:
    messages = Message.objects.with_attachment().in_bulk(ids)
    friend_ids = {chats[message.conversation_id].friend_id for message in messages.values()}
    friendships = {
        friendship.friend_id: friendship
        for friendship in Friendship.objects.of(viewer).filter(friend__in=friend_ids)
    }
    return [
        _view(
            messages[pk], viewer, friendships[chats[messages[pk].conversation_id].friend_id], query
        )
        for pk in ids
    ]


class Chat(NamedTuple):
    friend_id: int
    hidden_through: int


class Stretch(NamedTuple):
    """A range of messages in a conversation: after < id <= through."""

    through: int
    conversation: int
    after: int


def _open_chats(viewer: User, only: int | None) -> dict[int, Chat]:
    """Load the chats with present friends, or with `only` one of them, by conversation."""
    friends = set(Friendship.objects.filter(owner=viewer).values_list("friend", flat=True))
    memberships = Membership.objects.filter(user=viewer).values_list(
        "conversation", "conversation__low", "conversation__high", "hidden_through"
    )
    chats = {}
    for conversation, low, high, hidden_through in memberships:
        friend_id = high if low == viewer.pk else low
        if friend_id in friends and only in (None, friend_id):
            chats[conversation] = Chat(friend_id, hidden_through)
    return chats


def _stretches(viewer: User, query: Query, chats: dict[int, Chat], last: int) -> list[Stretch]:
    """List the ranges that the viewer sees and that may hold the words, newest first."""
    stretches = []
    for conversation, after, through in _candidates(viewer, query, chats):
        after = max(after, chats[conversation].hidden_through)
        if after < min(through, last):
            stretches.append(Stretch(min(through, last), conversation, after))
    return sorted(stretches, reverse=True)


def _candidates(
    viewer: User, query: Query, chats: dict[int, Chat]
) -> Iterator[tuple[int, int, int]]:
    """Yield the blocks that may hold the words, and the messages outside of blocks."""
    probes = probes_of(query.words)
    filters = _load_filters(viewer, {probe.part for probe in probes})
    reached = dict.fromkeys(chats, 0)
    segments = SearchSegment.objects.of_member(viewer).order_by("through")
    for pk, conversation, ends in segments.values_list("id", "conversation", "ends"):
        if conversation not in chats:
            continue
        borders = [reached[conversation], *ends]
        held = filters.get(pk)
        count = len(ends)
        for block in blocks_that_may_hold(held, probes, count) if held else range(count):
            yield conversation, borders[block], borders[block + 1]
        reached[conversation] = borders[-1]
    for conversation, end in reached.items():
        yield conversation, end, BEYOND


def _load_filters(viewer: User, parts: set[int]) -> dict[int, dict[int, bytes]]:
    """Load some parts of the filters, by segment."""
    segments = SearchSegment.objects.of_member(viewer)
    rows = SearchFilter.objects.filter(segment__in=segments, part__in=parts)
    filters: dict[int, dict[int, bytes]] = defaultdict(dict)
    for segment, part, bits in rows.values_list("segment", "part", "bits"):
        filters[segment][part] = bytes(bits)
    return filters


def _look(
    viewer: User,
    query: Query,
    named: Callable[[], set[int]],
    stretches: Sequence[Stretch],
    limit: int,
) -> tuple[list[int], bool]:
    """Find the newest ids, newest first, and whether time ran out before the end.

    `named` finds those of files, `stretches` come newest first. Raises TookTooLong when time ran
    out before one was certain.
    """
    found: list[int] = []
    waiting, count = list(stretches), STRETCHES_FIRST
    hidden = set(HiddenMessage.objects.filter(user=viewer).values_list("message", flat=True))
    try:
        with limit_statements(LOOK_SECONDS):
            found = sorted(named() - hidden, reverse=True)[:limit]
            while waiting:
                # Ranges of several chats overlap: a later one in the list may hold newer messages.
                if len(found) == limit and found[-1] >= waiting[0].through:
                    break
                hits, rest = _look_in(query, waiting[:count])
                found = sorted({*found, *hits} - hidden, reverse=True)[:limit]
                waiting = sorted(waiting[count:] + rest, reverse=True) if rest else waiting[count:]
                count = min(2 * count, STRETCHES_AT_ONCE)
    except TookTooLong:
        found = [pk for pk in found if pk > waiting[0].through]
        if not found:
            raise
        return found, True
    return found, False


def _find_named(query: Query, chats: dict[int, Chat], last: int) -> set[int]:
    """Find the messages up to `last` that the viewer sees, by the names of their files."""
    named = find_named(query, chats)
    return {pk for chat, pk in named if chats[chat].hidden_through < pk <= last}


def _look_in(query: Query, stretches: Sequence[Stretch]) -> tuple[list[int], list[Stretch]]:
    """Find the ids in the newest messages of each, and list what is left of longer ones."""
    columns = one_list_each(["id", "text"])
    sql = LOOK.format(stretches=placeholders(3, len(stretches)), columns=columns)
    values = [
        value for each in stretches for value in (each.conversation, each.after, each.through)
    ]
    hits: list[int] = []
    rest: list[Stretch] = []
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, TEXTS_AT_ONCE])
        for conversation, after, beyond, messages in cursor:  # one in memory at a time
            hits += query.find_in(messages)
            if beyond > after:
                rest.append(Stretch(beyond, conversation, after))
    return hits, rest


def _view(message: Message, viewer: User, friendship: Friendship, query: Query) -> Found:
    view = view_message(message, viewer=viewer, friend=friendship.friend, remark=friendship.remark)
    return Found(
        message=view,
        name=friendship.name,
        excerpt=_excerpt(words_of(message), query),
        face=friendship.face,
        sender_face=viewer.face if view.mine else friendship.face,
    )


def _excerpt(text: str, query: Query) -> Excerpt:
    start, end = query.place_in(text)
    begin = max(0, start - EXCERPT_BEFORE)
    before = ("…" if begin else "") + text[begin:start]
    after = text[end : end + EXCERPT_AFTER] + ("…" if len(text) > end + EXCERPT_AFTER else "")
    return Excerpt(_on_one_line(before), _on_one_line(text[start:end]), _on_one_line(after))


def _on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
