"""Statements that the database itself runs whenever rows of a table change."""

from __future__ import annotations

from django.db import connection

# A restore compares them word for word with those of a backup, which may be an old one.
TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {name} AFTER {event} ON {table}
BEGIN
    {statement};
END
"""


def make(name: str, *, after: str, table: str, statement: str) -> None:
    """Make one to run `after` INSERT, DELETE, UPDATE OF columns; its row is `old` or `new`."""
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER.format(name=name, event=after, table=table, statement=statement))


def drop(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def drop_all(prefix: str) -> None:
    """Drop every trigger with that prefix, whatever its table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            if name.startswith(prefix):
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
