"""Marking chats as read: a list of marks in one transaction, each chat up to its furthest.

It is plain SQL, because an open page sets a mark for each message that it shows, and the messages
that others write wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils import timezone

from accounts.names import username_key
from webchat.database.bulk import stored
from webchat.database.dialect import given_rows, one_list
from webchat.database.prepared import Transaction

from .log import writing
from .log.writing import MovedMark
from .models import Membership

# A mark gets no row if the two are not friends, or one of them does not exist.
ANSWER = (
    "mark.number",
    "friend.username",
    "membership.id",
    "membership.conversation_id",
    "membership.last_read",
    "membership.marked_unread",
    "(SELECT max(id) FROM chat_message WHERE conversation_id = conversation.id)",
)
QUESTION = f"""
WITH mark (number, reader_id, friend_key) AS MATERIALIZED ({given_rows(2)})
SELECT {one_list(ANSWER)}
FROM mark
JOIN accounts_user friend ON friend.username_key = mark.friend_key
JOIN friends_friendship friendship
    ON friendship.owner_id = mark.reader_id AND friendship.friend_id = friend.id
JOIN chat_conversation conversation
    ON conversation.low_id = CASE WHEN mark.reader_id < friend.id THEN mark.reader_id ELSE friend.id END
    AND conversation.high_id = CASE WHEN mark.reader_id < friend.id THEN friend.id ELSE mark.reader_id END
JOIN chat_membership membership
    ON membership.conversation_id = conversation.id AND membership.user_id = mark.reader_id
"""  # noqa: S608, E501  (nothing in it comes from outside)
MOVE = "UPDATE chat_membership SET last_read = %s, last_read_at = %s WHERE id = %s"


class Mark(NamedTuple):
    """Somebody's wish to have read a chat up to a message."""

    reader_id: int
    friend: str  # the user name, in any case or width
    up_to: int


class Marked(NamedTuple):
    """A chat that has been read up to a message, as its reader sees it."""

    reader_id: int
    friend: str
    up_to: int
    unread: int
    event_id: int | None  # None if the cursor did not move, or another mark has moved it


@dataclass(slots=True)
class _Chat:
    """A reader's chat, with the furthest of their marks."""

    mark: Mark
    friend: str
    membership_id: int
    conversation_id: int
    last_read: int
    is_marked_unread: bool
    newest: int | None
    up_to: int = 0
    unread: int = 0
    event_id: int | None = None

    @property
    def moves(self) -> bool:
        return self.up_to > self.last_read


def mark_all(marks: Sequence[Mark]) -> list[Marked | None]:
    """Move the readers' cursors forward, and tell their pages; None for what is not a friend's."""
    with Transaction() as database:
        return mark_in(database, marks)


def mark_in(database: Transaction, marks: Sequence[Mark]) -> list[Marked | None]:
    """Do what `mark_all` does as a part of a transaction."""
    if not marks:
        return []
    found = _look_up(database, marks)
    chats: dict[int, _Chat] = {}
    for chat in filter(None, found):
        first = chats.setdefault(chat.membership_id, chat)
        first.up_to = max(first.up_to, min(chat.mark.up_to, chat.newest or 0))
    _move(database, [chat for chat in chats.values() if chat.moves])
    _unmark(chat.membership_id for chat in chats.values() if chat.is_marked_unread)
    _record(database, [chat for chat in chats.values() if chat.moves])
    return [
        Marked(chat.mark.reader_id, chat.friend, chat.up_to, chat.unread, chat.event_id)
        if chat
        else None
        for chat in found
    ]


def _look_up(database: Transaction, marks: Sequence[Mark]) -> list[_Chat | None]:
    asked = [(mark.reader_id, username_key(mark.friend)) for mark in marks]
    answers = database.ask(QUESTION, (json.dumps(asked),))
    found: list[_Chat | None] = [None] * len(marks)
    for number, *facts in json.loads(answers):
        found[number] = _Chat(marks[number], *facts)
    return found


def _move(database: Transaction, chats: Sequence[_Chat]) -> None:
    now = stored(Membership, "last_read_at", timezone.now())
    for chat in chats:
        database.run(MOVE, (chat.up_to, now, chat.membership_id))
    unfinished = [chat.membership_id for chat in chats if chat.up_to != chat.newest]
    if unfinished:
        memberships = Membership.objects.with_unread().filter(pk__in=unfinished)
        unread = {membership.pk: membership.unread for membership in memberships}
        for chat in chats:
            chat.unread = unread.get(chat.membership_id, 0)


def _unmark(membership_ids: Iterable[int]) -> None:
    ids = list(membership_ids)
    if ids:
        memberships = Membership.objects.filter(pk__in=ids)
        memberships.update(marked_unread=False)
        writing.record_chats(memberships)


def _record(database: Transaction, chats: Sequence[_Chat]) -> None:
    rows = [
        MovedMark(chat.mark.reader_id, chat.conversation_id, chat.up_to, chat.unread)
        for chat in chats
    ]
    for chat, event_id in zip(chats, writing.record_reads(database, rows), strict=True):
        chat.event_id = event_id
