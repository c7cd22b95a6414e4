"""What the database says about a list of drafts, in one query.

Plain SQL, because this is what every message waits for: the same questions asked through the
ORM cost a busy writer more than all its other work together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import User
from accounts.names import username_key

from .bulk import at_most, loaded, placeholders, stored
from .drafts import Draft
from .models import Message

# A draft without a row here is one between people who are not friends, or are not there.
QUESTION = """
WITH draft (number, sender_id, friend_key, client_id) AS (VALUES {drafts})
SELECT
    draft.number,
    sender.username,
    sender.muted_until,
    friend.id,
    friend.username,
    friend.is_active,
    conversation.id,
    refusing.id IS NOT NULL,
    refused.id IS NOT NULL,
    message.id
FROM draft
JOIN accounts_user sender ON sender.id = draft.sender_id AND sender.is_active
JOIN accounts_user friend ON friend.username_key = draft.friend_key
JOIN friends_friendship friendship
    ON friendship.owner_id = sender.id AND friendship.friend_id = friend.id
LEFT JOIN chat_conversation conversation
    ON conversation.low_id = CASE WHEN sender.id < friend.id THEN sender.id ELSE friend.id END
    AND conversation.high_id = CASE WHEN sender.id < friend.id THEN friend.id ELSE sender.id END
LEFT JOIN friends_block refusing
    ON refusing.owner_id = friend.id AND refusing.target_id = sender.id
LEFT JOIN friends_block refused
    ON refused.owner_id = sender.id AND refused.target_id = friend.id
LEFT JOIN chat_message message
    ON message.sender_id = sender.id AND message.client_id = draft.client_id
"""
COLUMNS = 4  # of a draft in the question


class Facts(NamedTuple):
    """About one draft, at this moment."""

    sender: str
    muted_until: datetime | None
    friend_id: int
    friend: str
    is_there: bool  # the friend's account is not closed
    conversation_id: int | None
    is_refused: bool  # the friend has blocked the sender
    is_blocking: bool  # the sender has blocked the friend
    message_id: int | None  # what stands under the sender's client_id already


def look_up(drafts: Sequence[Draft]) -> list[Facts | None]:
    """The facts by draft; None where the sender is not active, or the two are not friends."""
    found: dict[int, Facts] = {}
    most = at_most(COLUMNS)
    for start in range(0, len(drafts), most):
        part = drafts[start : start + most]
        values: list[Any] = []
        for number, draft in enumerate(part, start):
            client_id = stored(Message, "client_id", draft.client_id)
            values += (number, draft.sender_id, username_key(draft.to), client_id)
        with connection.cursor() as cursor:
            cursor.execute(_question(len(part)), values)
            for number, sender, muted_until, *facts in cursor.fetchall():
                muted_until = loaded(User, "muted_until", muted_until)
                found[number] = Facts(sender, muted_until, *facts)
    return [found.get(number) for number in range(len(drafts))]


@lru_cache
def _question(drafts: int) -> str:
    return QUESTION.format(drafts=placeholders(COLUMNS, drafts))
