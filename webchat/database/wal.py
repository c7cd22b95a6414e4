"""The write-ahead log beside the database, which keeps deleted data for a while."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

# Writers wait, too, while this waits for the last readers of the log: nobody notices that.
BUSY_SECONDS = 0.1
PAUSE_SECONDS = 0.1


def truncate(database: Path | str) -> bool:
    """Checkpoint the log and cut it to nothing, so that no deleted data are left in it.

    Returns False if somebody still reads from the log, as a backup does: try again then.
    """
    if not log_of(database).exists() or log_of(database).stat().st_size == 0:
        return True
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as own:
        # The bulk of it while others write, so that they wait for the rest only.
        own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        [(is_busy, _pages, _folded)] = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return not is_busy


def truncate_within(database: Path | str, seconds: float) -> bool:
    """Try to `truncate` for that long."""
    deadline = time.monotonic() + seconds
    while not (is_done := truncate(database)) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return is_done


def log_of(database: Path | str) -> Path:
    return Path(f"{database}-wal")
