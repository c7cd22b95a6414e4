"""The cost of a thread's work: the processor it used, and how long it waited for the disk."""

from __future__ import annotations

import sqlite3
import threading
import time


class _Commits(threading.local):
    seconds = 0.0


_commits = _Commits()


def spent() -> float:
    """Return the seconds of processor and of commits of this thread since it began."""
    return time.thread_time() + _commits.seconds


class Connection(sqlite3.Connection):
    """The `factory` of our connections. While one commits, no other can write."""

    def commit(self) -> None:
        began, computed = time.monotonic(), time.thread_time()
        try:
            super().commit()
        finally:
            waited = time.monotonic() - began - (time.thread_time() - computed)
            _commits.seconds += max(0.0, waited)
