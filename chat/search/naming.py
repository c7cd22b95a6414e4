"""Files by their names.

No index: there is a file for some dozens of messages, and a name is short. So all names that
somebody sees are read, and a file that is gone is found by nobody from that moment on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection

from webchat.database.dialect import given_list, one_list_each

from ..models import MediaKind
from .folding import Words

# The names of some files of a conversation as one value, as of the texts.
NAMES = """
SELECT conversation_id, {columns} FROM chat_attachment
WHERE conversation_id IN {given} AND kind IN {given}
GROUP BY conversation_id, id / {at_once}
"""
NAMES_AT_ONCE = 1024
# Nobody has chosen the name of a voice.
KINDS = (MediaKind.PICTURE, MediaKind.VIDEO, MediaKind.FILE)


def find_named(
    words: Words, conversations: Iterable[int], kinds: Iterable[str] = KINDS
) -> list[tuple[int, int]]:
    """Find the messages whose files have all the words in their names: (conversation, id) each."""
    columns = one_list_each(["message_id", "name"])
    sql = NAMES.format(columns=columns, given=given_list(), at_once=NAMES_AT_ONCE)
    found: list[tuple[int, int]] = []
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(list(conversations)), json.dumps(list(kinds))])
        for conversation, names in cursor:  # one in memory at a time
            found += ((conversation, pk) for pk in words.find_in(names))
    return found
