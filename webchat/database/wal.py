"""The write-ahead log beside the database, in which what was deleted stands on for a while."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

# Writers wait, too, while the last readers of the log are waited for: nobody notices that.
BUSY_SECONDS = 0.1
PAUSE_SECONDS = 0.1


def truncate(database: Path | str) -> bool:
    """Fold the log into the database and cut it to nothing, so that only what stands is left.

    False when somebody still reads from the log, as a backup does: to be tried again.
    """
    if not log_of(database).exists() or log_of(database).stat().st_size == 0:
        return True
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as own:
        # The bulk of it beside the writers, so that they wait for the rest only.
        own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        [(is_busy, _pages, _folded)] = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return not is_busy


def truncate_within(database: Path | str, seconds: float) -> bool:
    """`truncate`, tried for so long."""
    deadline = time.monotonic() + seconds
    while not (is_done := truncate(database)) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return is_done


def log_of(database: Path | str) -> Path:
    return Path(f"{database}-wal")
