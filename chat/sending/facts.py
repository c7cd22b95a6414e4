"""The facts about a list of drafts, in one query.

It is plain SQL, because every message waits for it: through the ORM, the same questions cost a
busy writer more than all its other work together. One value goes in and one comes out, because
the threads pass the interpreter around for each row that the database returns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from accounts.models import User
from accounts.names import username_key
from webchat.database.bulk import loaded
from webchat.database.dialect import given_rows, one_list, stored_uuid
from webchat.database.prepared import Transaction

from .drafts import Draft

# A draft gets no row if the two are not friends, or one of them does not exist.
ANSWER = (
    "draft.number",
    "sender.username",
    "sender.muted_until",
    "friend.id",
    "friend.username",
    "friend.is_active",
    "conversation.id",
    "refusing.id IS NOT NULL",
    "refused.id IS NOT NULL",
    "message.id",
)
QUESTION = f"""
WITH draft (number, sender_id, friend_key, client_id) AS MATERIALIZED ({given_rows(3)})
SELECT {one_list(ANSWER)}
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
"""  # noqa: S608  (nothing in it comes from outside)


class Facts(NamedTuple):
    """The facts about one draft, at this moment."""

    sender: str
    muted_until: datetime | None
    friend_id: int
    friend: str
    is_there: bool  # the friend's account is not closed
    conversation_id: int | None
    is_refused: bool  # the friend has blocked the sender
    is_blocking: bool  # the sender has blocked the friend
    message_id: int | None  # the message that already has the sender's client_id


def look_up(database: Transaction, drafts: Sequence[Draft]) -> list[Facts | None]:
    """Look up the facts of each draft; None if the sender is inactive or they are not friends."""
    asked = [
        (draft.sender_id, username_key(draft.to), stored_uuid(draft.client_id)) for draft in drafts
    ]
    answers = database.ask(QUESTION, (json.dumps(asked),))
    found: list[Facts | None] = [None] * len(drafts)
    for number, sender, muted_until, *facts in json.loads(answers):
        found[number] = Facts(sender, loaded(User, "muted_until", muted_until), *facts)
    return found
