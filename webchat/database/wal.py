"""The write-ahead log beside the database, which keeps deleted data for a while.

SQLite folds it into the database in a commit that makes it long, and who commits waits for that.
So a server does it earlier, beside its writers.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from . import queueing

# Of a log, when a commit folds it; only where no server does, or one that cannot keep up.
PAGES_AT_MOST = 10_000
LONG_PAGES = 4_000  # of a log that begins anew, which needs a moment without writers
MOMENT_SECONDS = 0.005
# Writers wait, too, while this waits for the last readers of the log: nobody notices that.
BUSY_SECONDS = 0.1
PAUSE_SECONDS = 0.1


def fold(database: Path | str) -> None:
    """Copy the pages of the log into the database, and let a long log begin anew."""
    with closing(_open(database, MOMENT_SECONDS)) as own:
        [(_busy, pages, _folded)] = own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        if pages >= LONG_PAGES:
            with queueing.first_in_line():
                own.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def truncate(database: Path | str) -> bool:
    """Checkpoint the log and cut it to nothing, so that no deleted data are left in it.

    Returns False if somebody still reads from the log, as a backup does: try again then.
    """
    if not log_of(database).exists() or log_of(database).stat().st_size == 0:
        return True
    with closing(_open(database, BUSY_SECONDS)) as own:
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


def _open(database: Path | str, seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(database, timeout=seconds, isolation_level=None)
