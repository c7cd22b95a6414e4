"""Triggers that drop stale filters of the index, whichever way a change comes.

They are plain SQL, so that other programs' connections can write messages, too.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from webchat.database import triggers

from ..models import SearchFilter

SPOIL = """DELETE FROM chat_searchfilter WHERE segment_id = (
        SELECT id FROM chat_searchsegment
        WHERE conversation_id = {row}.conversation_id AND through >= {row}.id
        ORDER BY through LIMIT 1
    )"""
TRIGGERS = {
    "chat_search_deleted": ("DELETE", "old"),
    "chat_search_changed": ("UPDATE OF text, recalled_at, removed_at", "old"),
    # With an explicit id, it may be among earlier messages.
    "chat_search_inserted": ("INSERT", "new"),
}


def make_triggers(**kwargs: Any) -> None:
    if SearchFilter._meta.db_table not in connection.introspection.table_names():
        return
    for name, (event, row) in TRIGGERS.items():
        spoil = SPOIL.format(row=row)
        triggers.make(name, after=event, table="chat_message", statement=spoil)


def drop_triggers(**kwargs: Any) -> None:
    for name in TRIGGERS:
        triggers.drop(name)
