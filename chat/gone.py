"""Gone is gone: what was taken away leaves the files of the database within seconds.

`secure_delete` overwrites it in the pages of the database, but the write-ahead log keeps older
pages until it is used again. Triggers count what goes, whoever takes it away and from whatever
process, and the engine cuts the log when the count has risen. Who only writes pays nothing.
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

# Without a model: it is of no use without the triggers, and made with them.
COUNT = "CREATE TABLE IF NOT EXISTS chat_gone (times INTEGER NOT NULL)"
FIRST = "INSERT INTO chat_gone SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM chat_gone)"
RISE = "UPDATE chat_gone SET times = times + 1"
PREFIX = "gone_"
# Made and renewed all the time; what they are made of is counted itself.
UNCOUNTED = (SearchFilter._meta.db_table, *IMPERSONAL)


class Sweeper:
    """Cuts the log when something has gone since the last time, and at the first time."""

    def __init__(self) -> None:
        self._swept: int | None = None

    def sweep(self) -> bool:
        """False when that must be tried again soon."""
        times = count()
        if times != self._swept and not wal.truncate(own_file()):
            return False
        self._swept = times
        return True


def count() -> int:
    """How often something has gone."""
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
    """The tables with words of people or about them, and the columns that hold these."""
    there = set(connection.introspection.table_names())
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        columns = telling_columns(model)
        if columns and table in there and not table.startswith(UNCOUNTED):
            yield table, ", ".join(map(connection.ops.quote_name, sorted(columns)))
