"""The only code that appends to the event log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from chat.models import Event, EventLog, Membership, MembershipQuerySet, Message
from webchat.database.bulk import insert, next_ids, stored

Kind = Event.Kind


def record(events: Iterable[Event]) -> list[Event]:
    """Append to the log, inside the transaction of the change.

    Ids are handed out here. SQLite has one writer, so they are in the order of the commits;
    a database with several needs a lock around this function, or `id > cursor` loses rows.
    """
    return Event.objects.bulk_create(events)


# The ids of the messages have no gap, and neither have those of their events.
RECORD_MESSAGES = """
INSERT INTO chat_event (id, kind, conversation_id, message_id, data, created_at)
SELECT id + %s, %s, conversation_id, id, %s, %s FROM chat_message WHERE id BETWEEN %s AND %s
"""


class MessageRow(NamedTuple):
    """A new message, as the database stores it."""

    conversation: int
    sender: int
    text: str
    client_id: object
    digest: bytes
    sent_at: object
    quote: int | None


def record_messages(rows: Sequence[MessageRow]) -> list[tuple[int, int]]:
    """Write new messages and their events; returns the ids of both, in the order of the rows.

    It takes two statements, however many messages there are, because every message waits for it.
    """
    if not rows:
        return []
    messages = insert(Message, MessageRow._fields, rows)
    events = next_ids(Event, len(rows))
    data = stored(Event, "data", {})
    now = stored(Event, "created_at", timezone.now())
    first, last = messages[0], messages[-1]
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD_MESSAGES, [events[0] - first, Kind.MESSAGE.value, data, now, first, last]
        )
    return list(zip(messages, events, strict=True))


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
