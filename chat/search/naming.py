"""Files by their names.

No index: there is a file for some dozens of messages, and a name is short. So all names that
somebody sees are read, and a file that is gone is found by nobody from that moment on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection

from webchat.database.dialect import given_list, one_list_each

from .folding import Words

# The names of some files of a conversation as one value, as of the texts. A voice has none of its
# sender's making.
NAMES = """
SELECT conversation_id, {columns} FROM chat_attachment
WHERE conversation_id IN {conversations} AND kind <> 'voice'
GROUP BY conversation_id, id / {at_once}
"""
NAMES_AT_ONCE = 1024


def find_named(words: Words, conversations: Iterable[int]) -> list[tuple[int, int]]:
    """Find the messages whose files have all the words in their names: (conversation, id) each."""
    sql = NAMES.format(
        columns=one_list_each(["message_id", "name"]),
        conversations=given_list(),
        at_once=NAMES_AT_ONCE,
    )
    found: list[tuple[int, int]] = []
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(list(conversations))])
        for conversation, names in cursor:  # one in memory at a time
            found += ((conversation, pk) for pk in words.find_in(names))
    return found
