"""The write-ahead log beside the database, which keeps deleted data for a while.

SQLite folds it into the database in a commit that makes it long, and whoever commits waits for
that. So a server does it earlier, beside its writers.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from . import queueing

# Of a log, when a commit folds it; only where no server does, or one that cannot keep up.
PAGES_AT_MOST = 10_000
LONG_PAGES = 4_000  # of a log that starts over, which needs a moment without writers …
MOMENT_SECONDS = 0.005
FEW_PAGES = 200  # … in which so many are copied and synced
PASSES = 5
# Writers wait, too, while this waits for the last readers of the log: nobody notices that.
BUSY_SECONDS = 0.1
PAUSE_SECONDS = 0.1

# SQLite turns a second checkpoint away, and what is deleted must not wait for another look.
_one_at_a_time = threading.Lock()


def fold(database: Path | str) -> None:
    """Copy the pages of the log into the database, and let a long log start over."""
    with _one_at_a_time, closing(_open(database, MOMENT_SECONDS)) as own:
        pages, folded = _fold_beside_writers(own)
        if pages < LONG_PAGES:
            return
        for _pass in range(PASSES):
            # Most of what came during the last pass; a shorter one leaves less.
            pages, now_folded = _fold_beside_writers(own)
            if pages - folded <= FEW_PAGES:
                return _start_over(own)
            folded = now_folded


def _fold_beside_writers(own: sqlite3.Connection) -> tuple[int, int]:
    """Return the pages of the log at the beginning, and how many are in the database now."""
    [(_busy, pages, folded)] = own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return pages, folded


def _start_over(own: sqlite3.Connection) -> None:
    """Fold the rest while nobody writes. If that is not soon, it is left to the next time."""
    with queueing.first_in_line(MOMENT_SECONDS) as is_first:
        if is_first:
            own.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def truncate(database: Path | str) -> bool:
    """Checkpoint the log and cut it to nothing, so that no deleted data are left in it.

    Returns False if somebody still reads from the log, as a backup does: try again then.
    """
    if not log_of(database).exists() or log_of(database).stat().st_size == 0:
        return True
    with _one_at_a_time, closing(_open(database, BUSY_SECONDS)) as own:
        # The bulk of it while others write, so that they wait for the rest only.
        _fold_beside_writers(own)
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
