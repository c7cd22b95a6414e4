"""Commits that do not wait for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def unsynced() -> Iterator[None]:
    """Commit without waiting for the disk: for rows that nobody misses after a power cut.

    The next commit that waits takes these along. Inside a transaction it changes nothing.
    """
    if connection.in_atomic_block:
        yield
        return
    _set("NORMAL")
    try:
        yield
    finally:
        try:
            _set("FULL")
        except BaseException:
            connection.close()  # the next one begins with FULL
            raise


def _set(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous = {level}")
