from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Let every query inside see the database as the first of them saw it.

    What a page shows and the event id from which it goes on must be of one moment, or an
    event between two queries would be counted twice or never. `atomic()` would do, but here
    it takes the write lock (`transaction_mode: IMMEDIATE`), and a reader never needs that.
    Nothing may be written inside.
    """
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
