"""The only code that appends to the event log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from django.utils import timezone

from chat.models import Event, EventLog, Membership, MembershipQuerySet, Message
from webchat.database.bulk import at_most, insert_statement, stored
from webchat.database.prepared import Transaction

Kind = Event.Kind


def record(events: Iterable[Event]) -> list[Event]:
    """Append to the log, inside the transaction of the change.

    Ids are handed out here. SQLite has one writer, so they are in the order of the commits;
    a database with several needs a lock around this function, or `id > cursor` loses rows.
    """
    return Event.objects.bulk_create(events)


RECORD_MESSAGES = """
INSERT INTO chat_event (kind, conversation_id, message_id, data, created_at)
SELECT %s, conversation_id, id, %s, sent_at FROM chat_message WHERE id BETWEEN %s AND %s ORDER BY id
"""


class NewMessage(NamedTuple):
    """A new message, as the database stores it."""

    conversation: int
    sender: int
    text: str
    client_id: object
    digest: bytes
    sent_at: object
    quote: int | None


def record_messages(database: Transaction, rows: Sequence[NewMessage]) -> list[tuple[int, int]]:
    """Write new messages and their events; returns the ids of both, in the order of the rows.

    It takes two statements, as many messages as fit into one, because every message waits for it.
    """
    ids: list[tuple[int, int]] = []
    most = at_most(len(NewMessage._fields))
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        statement = insert_statement(Message, NewMessage._fields, len(part))
        messages = database.insert(statement, tuple(chain(*part)), len(part))
        kept = Event.Kind.MESSAGE.value, _no_data(), messages[0], messages[-1]
        events = database.insert(RECORD_MESSAGES, kept, len(part))
        ids += zip(messages, events, strict=True)
    return ids


class MovedMark(NamedTuple):
    """A read mark that has moved, to be told to its reader."""

    user: int
    conversation: int
    last_read: int
    unread: int


READ_FIELDS = ("kind", "user", "conversation", "data", "created_at")


def record_reads(database: Transaction, rows: Sequence[MovedMark]) -> list[int]:
    """Write the events of read marks; returns their ids, in the order of the rows."""
    ids: list[int] = []
    now = stored(Event, "created_at", timezone.now())
    most = at_most(len(READ_FIELDS))
    for start in range(0, len(rows), most):
        part = [
            (
                Kind.READ.value,
                row.user,
                row.conversation,
                stored(Event, "data", {"last_read": row.last_read, "unread": row.unread}),
                now,
            )
            for row in rows[start : start + most]
        ]
        statement = insert_statement(Event, READ_FIELDS, len(part))
        ids += database.insert(statement, tuple(chain(*part)), len(part))
    return ids


@cache
def _no_data() -> object:
    return stored(Event, "data", {})


def conversation_changed(membership: Membership) -> Event:
    """Make the event that tells one person the present state of a chat, to be recorded.

    The membership comes from `with_state`.
    """
    return Event(
        kind=Kind.CONVERSATION_CHANGED,
        user_id=membership.user_id,
        conversation_id=membership.conversation_id,
        data={"last_message": membership.last_message_id} | membership.state,
    )


def record_chats(memberships: MembershipQuerySet) -> None:
    """Tell each of these people the present state of their chat."""
    record(conversation_changed(membership) for membership in memberships.with_state())


def record_change_of(message: Message) -> None:
    """Tell the members that a message was recalled or removed.

    Each is also told the state of the chat: the text of its row in the list, and the unread count.
    """
    record(
        [
            Event(
                kind=Kind.MESSAGE_CHANGED,
                conversation_id=message.conversation_id,
                message=message,
            )
        ]
    )
    record_chats(Membership.objects.filter(conversation=message.conversation_id))


def keep_head() -> None:
    """Remember the head before rows at the end of the log may be deleted with an account."""
    EventLog.objects.update_or_create(pk=1, defaults={"head_at_least": EventLog.objects.head()})


def have_all_reload() -> int:
    """Make every page reload, in the transaction of changes without events of their own.

    This uses up an id, which it returns: the log goes on after it, and counts as pruned up to it.
    """
    nothing = Event.objects.create(kind=Kind.ANNOUNCEMENT, data={})
    EventLog.objects.update_or_create(pk=1, defaults={"pruned_through": nothing.pk})
    through = nothing.pk
    nothing.delete()
    return through
