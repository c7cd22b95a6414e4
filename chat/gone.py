"""Gone is gone: what is deleted leaves the files of the database within seconds.

`secure_delete` overwrites it in the pages of the database, but the write-ahead log keeps older
pages until it is reused. Triggers count each deletion, by anybody and from any process, and the
engine truncates the log when the count has risen. Plain inserts pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection

from accounts.traces import IMPERSONAL, telling_columns
from webchat.database import triggers, wal
from webchat.database.connecting import own_file

from .models import SearchFilter

# Without a model: the table is useless without the triggers, and made with them.
COUNT = "CREATE TABLE IF NOT EXISTS chat_gone (times INTEGER NOT NULL)"
FIRST = "INSERT INTO chat_gone SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM chat_gone)"
RISE = "UPDATE chat_gone SET times = times + 1"
PREFIX = "gone_"
# Rewritten all the time; the rows that they are made from are counted themselves.
UNCOUNTED = (SearchFilter._meta.db_table, *IMPERSONAL)


class Sweeper:
    """Truncates the log when something was deleted since the last time, and the first time."""

    def __init__(self) -> None:
        self._swept: int | None = None

    def sweep(self) -> bool:
        """Truncate the log if needed; False when that must be tried again soon."""
        times = count()
        if times != self._swept and not wal.truncate(own_file()):
            return False
        self._swept = times
        return True


def count() -> int:
    """Return how many deletions the triggers have counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT times FROM chat_gone")
        [times] = cursor.fetchone()
    return int(times)


def make_triggers(**kwargs: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        cursor.execute(FIRST)
    for table, columns in _watched():
        for kind, event in (("deleted", "DELETE"), ("changed", f"UPDATE OF {columns}")):
            name = f"{PREFIX}{table}_{kind}"
            triggers.make(name, after=event, table=table, statement=RISE)


def drop_triggers(**kwargs: Any) -> None:
    triggers.drop_all(PREFIX)


def _watched() -> Iterator[tuple[str, str]]:
    """Yield each table with text by or about people, and the columns that hold it."""
    there = set(connection.introspection.table_names())
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        columns = telling_columns(model)
        if columns and table in there and not table.startswith(UNCOUNTED):
            yield table, ", ".join(map(connection.ops.quote_name, sorted(columns)))
