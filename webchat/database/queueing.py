"""A queue for the write lock among the threads of this process.

SQLite has each ask again after growing pauses. A busy writer then has the lock again before one
that writes once has looked, and one message waits for tens of others. So one thread asks at a
time, and the others wait for that one. Other processes ask as before.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

WRITES = ("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE")
# Between two looks at whether another process has let go. SQLite's own pauses grow to 100 ms.
LOOK_SECONDS = 0.005

_first = threading.Lock()


class _Thread(threading.local):
    only_writes = False


_this_thread = _Thread()


def only_write() -> None:
    """Say that this thread does nothing but transactions; before its first connection.

    It is spared two statements for each, which change the timeout for the time of its waiting.
    """
    _this_thread.only_writes = True


def stand_in_line(connection: BaseDatabaseWrapper, **_kwargs: object) -> None:
    """Queue the transactions and single writes of a new connection (`connection_created`)."""
    if _wait not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _wait)
    if _this_thread.only_writes:
        _set_timeout(connection, LOOK_SECONDS)


def is_watched(connection: BaseDatabaseWrapper) -> bool:
    """Return whether somebody else is told of each query on it."""
    return connection.queries_logged or connection.execute_wrappers != _ours


def begin(connection: BaseDatabaseWrapper) -> None:
    """Begin a transaction with the write lock, in line. The caller sees to its end."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        _in_line(connection, lambda: connection.connection.execute("BEGIN IMMEDIATE"))


@contextmanager
def first_in_line(seconds: float) -> Iterator[bool]:
    """Let no other thread of this process ask for the write lock meanwhile.

    Gives False if another one has asked, and does not get it in time.
    """
    is_first = _first.acquire(timeout=seconds)
    try:
        yield is_first
    finally:
        if is_first:
            _first.release()


def _wait(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    connection = context["connection"]
    # Inside a transaction the lock is held; many rows without one are many transactions.
    if connection.in_atomic_block or many or not sql.startswith(WRITES):
        return execute(sql, params, many, context)
    return _in_line(connection, lambda: execute(sql, params, many, context))


_ours = [_wait]


def _in_line(connection: BaseDatabaseWrapper, attempt: Callable[[], Any]) -> Any:
    patience: float = connection.settings_dict["OPTIONS"].get("timeout", 5.0)
    until = time.monotonic() + patience
    if not _first.acquire(timeout=patience):
        raise OperationalError("database is locked")
    try:
        if not _this_thread.only_writes:
            _set_timeout(connection, LOOK_SECONDS)
        while True:
            try:
                return attempt()
            except (OperationalError, sqlite3.OperationalError) as error:
                if not _is_busy(error) or time.monotonic() > until:
                    raise
    finally:
        _first.release()
        if not _this_thread.only_writes:
            _set_timeout(connection, patience)


def _is_busy(error: Exception) -> bool:
    """Return whether somebody else has the lock; too old a snapshot would never get it."""
    of_driver = error if isinstance(error, sqlite3.Error) else error.__cause__
    return getattr(of_driver, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _set_timeout(connection: BaseDatabaseWrapper, seconds: float) -> None:
    connection.connection.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")
