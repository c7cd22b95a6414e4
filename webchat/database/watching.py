"""A watch for commits of others."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from .connecting import own_file, to_read


class Watch:
    """A read-only connection, to be asked often and by one thread: some µs a question.

    Raises DriverError when the database cannot be read; then a new one is needed.
    """

    def __init__(self) -> None:
        address = to_read(own_file())
        self._database = sqlite3.connect(address, uri=True, isolation_level=None)

    def version(self) -> int:
        """Return a number that differs from the last one if anybody has committed since."""
        [version] = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

    def ask(self, question: str, params: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        """Return the one row that answers a query with `:named` parameters."""
        row: tuple[Any, ...] = self._database.execute(question, params or {}).fetchone()
        return row
