"""The news that others have written into the log: the plain ones, in one query, as frames.

It is plain SQL, because every worker reads what the others commit: through the ORM, a reading
costs a hundred times as much. Plain are new messages that stand as they were sent, and read
marks. Everything else is left to `chat.log.reading`, which would make the same frames of these.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Set
from functools import cache
from typing import Any, NamedTuple

from chat.models import Event, Message
from chat.models.events import BOUNDS
from chat.presentation import encode, in_utc
from webchat.base.times import minute
from webchat.database.bulk import loaded
from webchat.database.dialect import one_list, uuid_text
from webchat.database.watching import Watch

from . import frames

Times = Callable[[Any], tuple[str, str]]

AT_ONCE = 50  # events in one reading: half a millisecond of the loop, with the longest texts five

ROW = (
    "event.id",
    "event.kind",
    "event.user_id",
    "event.data",
    "conversation.low_id",
    "conversation.high_id",
    "low.username",
    "high.username",
    "of_low.id IS NOT NULL",
    "of_high.id IS NOT NULL",
    "message.id",
    "message.sender_id",
    "message.text",
    uuid_text("message.client_id"),
    "message.sent_at",
)
# A message that has been changed, answers another one, has a file or is hidden is not joined.
QUESTION = f"""
SELECT bounds.*, (
    SELECT {one_list(ROW)}
    FROM (
        SELECT * FROM chat_event WHERE id > :after AND id < :before ORDER BY id LIMIT :most
    ) AS event
    LEFT JOIN chat_conversation conversation ON conversation.id = event.conversation_id
    LEFT JOIN accounts_user low ON low.id = conversation.low_id
    LEFT JOIN accounts_user high ON high.id = conversation.high_id
    LEFT JOIN friends_friendship of_low
        ON of_low.owner_id = low.id AND of_low.friend_id = high.id
    LEFT JOIN friends_friendship of_high
        ON of_high.owner_id = high.id AND of_high.friend_id = low.id
    LEFT JOIN chat_message message
        ON message.id = event.message_id AND message.text <> '' AND message.quote IS NULL
        AND message.recalled_at IS NULL AND message.removed_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM chat_hiddenmessage hidden
            WHERE hidden.user_id IN (low.id, high.id) AND hidden.message = message.id
        )
) FROM ({BOUNDS}) AS bounds
"""  # noqa: S608  (nothing in it comes from outside)


class Row(NamedTuple):
    """An event, with the two of its conversation, and its message if that is plain."""

    id: int
    kind: str
    user_id: int | None
    data: str
    low_id: int | None
    high_id: int | None
    low: str
    high: str
    low_has_friend: bool
    high_has_friend: bool
    message_id: int | None
    sender_id: int
    text: str
    client_id: str
    sent_at: Any

    @property
    def is_plain(self) -> bool:
        if self.low_id is None:
            return False
        if self.kind == Event.Kind.MESSAGE:
            return self.user_id is None and self.message_id is not None
        return self.kind == Event.Kind.READ and self.user_id in (self.low_id, self.high_id)

    def audience(self, connected: Set[int]) -> Set[int]:
        """Find those of these people who are the audience of the event."""
        if self.user_id is not None:
            return connected & {self.user_id}
        if self.low_id is not None and self.high_id is not None:
            return connected & {self.low_id, self.high_id}
        return connected

    def friend_of(self, viewer_id: int) -> str | None:
        """Name the other one of the two, if the viewer has them as a friend."""
        if viewer_id == self.low_id:
            return self.high if self.low_has_friend else None
        return self.low if self.high_has_friend else None


class News(NamedTuple):
    """The frames for those who are connected, in order: (user id, event id, frame)."""

    told: list[tuple[int, int, str]]
    through: int
    more: bool  # plain events may follow
    is_plain: bool = True  # the next event is, if there is one


def read(watch: Watch, connected: Callable[[], Set[int]], after: int, before: int) -> News:
    """Read the events between two ids, up to the first that is not plain, and AT_ONCE at most.

    `connected` is called once the query has its snapshot: anybody who connects later reads a later
    one. Raises DriverError.
    """
    asked = {"after": after, "before": before, "most": AT_ONCE}
    pruned_through, newest, found = watch.ask(QUESTION, asked)
    last = max(pruned_through, newest)
    if not pruned_through <= after <= last:
        return News([], after, more=False, is_plain=False)
    viewer_ids = connected()
    told: list[tuple[int, int, str]] = []
    through = after
    times = cache(_times)  # those of one batch are the same
    rows = sorted(map(Row._make, json.loads(found)))
    for row in rows:
        if audience := row.audience(viewer_ids):
            if not row.is_plain:
                return News(told, through, more=False, is_plain=False)
            told += _told(row, audience, times)
        through = row.id
    if len(rows) == AT_ONCE:
        return News(told, through, more=True)
    return News(told, max(through, min(last, before - 1)), more=False)


def _told(row: Row, audience: Set[int], times: Times) -> Iterator[tuple[int, int, str]]:
    """Make the frame for each of these people who may see the event now."""
    friends = [(pk, name) for pk in audience if (name := row.friend_of(pk)) is not None]
    if not friends:
        return
    if row.kind == Event.Kind.READ:
        for pk, name in friends:
            body = {"id": row.id, "kind": row.kind, "with": name} | json.loads(row.data)
            yield pk, row.id, frames.event(body)
        return
    sender = row.low if row.sender_id == row.low_id else row.high
    time, sent_at = times(row.sent_at)
    # M, as `MessageView.as_json` has it. There is nothing to escape in what is not encoded.
    shared = (
        f'"sender":{encode(sender)},"text":{encode(row.text)},"time":"{time}",'
        f'"sent_at":"{sent_at}","client_id":"{row.client_id}","state":"sent","attachment":null}}'
    )
    for pk, name in friends:
        message = f'{{"id":{row.message_id},"with":{encode(name)},{shared}'
        yield pk, row.id, frames.message_event(row.id, message)


def _times(stored: Any) -> tuple[str, str]:
    sent_at = loaded(Message, "sent_at", stored)
    return minute(sent_at), in_utc(sent_at)
