"""Notice that somebody else has committed."""

from __future__ import annotations

import sqlite3
from typing import Any

from .connecting import own_file


class Watch:
    """A connection that only reads, to be asked often and by one thread: some µs a question.

    Raises DriverError when the database cannot be read; then a new one is needed.
    """

    def __init__(self) -> None:
        address = f"file:{own_file()}?mode=ro"
        self._database = sqlite3.connect(address, uri=True, isolation_level=None)

    def version(self) -> int:
        """Another number than the last time when anybody has committed since."""
        [version] = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

    def ask(self, question: str) -> tuple[Any, ...]:
        """The one row that answers a query."""
        row: tuple[Any, ...] = self._database.execute(question).fetchone()
        return row
