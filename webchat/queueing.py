"""The threads of this process that wait for the write lock: first come, first served.

SQLite has them ask again after growing pauses. Who writes much then has the lock again before who
wrote once looks, and one message waits for tens of them. So one thread asks at a time, and the
others stand behind it. Other processes ask as before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

BEGIN = "BEGIN IMMEDIATE"
# Between two looks at whether another process has let go. SQLite's own grow to 100 ms.
LOOK_SECONDS = 0.005

_first = threading.Lock()


def stand_in_line(connection: BaseDatabaseWrapper, **_kwargs: object) -> None:
    """Have each transaction of a new connection wait its turn (`connection_created`)."""
    if _wait not in connection.execute_wrappers:
        connection.execute_wrappers.append(_wait)


def _wait(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    if sql != BEGIN:
        return execute(sql, params, many, context)
    connection = context["connection"]
    patience: float = connection.settings_dict["OPTIONS"].get("timeout", 5.0)
    until = time.monotonic() + patience
    if not _first.acquire(timeout=patience):
        raise OperationalError("database is locked")
    try:
        _set_timeout(connection, LOOK_SECONDS)
        while True:
            try:
                return execute(sql, params, many, context)
            except OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
    finally:
        _first.release()
        _set_timeout(connection, patience)


def _set_timeout(connection: BaseDatabaseWrapper, seconds: float) -> None:
    connection.connection.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")
