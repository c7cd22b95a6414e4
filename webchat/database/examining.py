"""Checks that the database works, and that it is whole."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from django.db import DatabaseError, connection, transaction

from .connecting import to_read

VERSION = sqlite3.sqlite_version
# A reader that recovers a WAL while another process checkpoints it could damage the file.
WAL_BUG_FROM = (3, 7, 0)
WAL_BUG_FIXED = (3, 51, 3)
WAITS_FOR_THE_DISK = 2  # synchronous=FULL


class DamagedError(Exception):
    """Damage to the file, in the words of the database."""


class TooLargeError(Exception):
    """A database too large to be read in the time given."""


def has_wal_bug() -> bool:
    return WAL_BUG_FROM <= sqlite3.sqlite_version_info < WAL_BUG_FIXED


def is_durable() -> bool:
    """Return whether commits go into the log, and wait for the disk."""
    with connection.cursor() as cursor:
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = cursor.execute("PRAGMA synchronous").fetchone()[0]
    return bool(journal == "wal" and synchronous == WAITS_FOR_THE_DISK)


def is_writable() -> bool:
    """Try to take the write lock and to write a page, and roll that back."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("PRAGMA user_version")
            (version,) = cursor.fetchone()
            cursor.execute(f"PRAGMA user_version = {int(version)}")
            transaction.set_rollback(True)
    except DatabaseError:
        return False
    return True


def check_whole(file: Path, seconds: float) -> None:
    """Read all of a database.

    Raises DamagedError, TooLargeError, and the database's own error when it cannot be opened.
    """
    deadline = time.monotonic() + seconds
    try:
        with closing(sqlite3.connect(to_read(file), uri=True)) as database:
            database.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
            [found] = database.execute("PRAGMA quick_check(1)").fetchone()
            orphan = database.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise TooLargeError from error
        raise
    except sqlite3.DatabaseError as error:
        raise DamagedError(str(error)) from error
    if found != "ok" or orphan is not None:
        raise DamagedError(found if found != "ok" else orphan[0])


def rows_that_point_to_nothing() -> Iterator[tuple[str, int, str]]:
    """Yield the table and the number of each, and the table in which its target is missing."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        for table, row, parent, _index in cursor.fetchall():
            yield table, row, parent
