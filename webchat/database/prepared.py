"""Statements that are always the same, without Django's wrappers around each.

These cost a writer of one message three times as much as the statements themselves: a regular
expression over the SQL, a cursor in a cursor, a context manager for each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import FORMAT_QMARK_REGEX

from . import queueing


class Transaction:
    """`with Transaction() as database:` is `atomic()`, and prepared statements in it.

    It is of this thread's own connection: it stands in line for the write lock, commits at the
    end with the same pragmas, raises Django's errors, and queries of the ORM are part of it.
    Within `atomic()` it is a savepoint, like any other.
    """

    def __enter__(self) -> Transaction:
        self._django = connections[DEFAULT_DB_ALIAS]
        self._savepoint: Any = None
        if self._django.in_atomic_block:
            self._savepoint = transaction.atomic()
            self._savepoint.__enter__()
        else:
            queueing.begin(self._django)
            self._django.in_atomic_block = True
            self._django.commit_on_exit = True
            self._django.needs_rollback = False
        self._database: sqlite3.Connection = self._django.connection
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._savepoint is not None:
            self._savepoint.__exit__(kind, error, traceback)
            return
        self._django.in_atomic_block = False
        if error is not None or self._django.needs_rollback:
            self._roll_back()
            return
        try:
            self._database.commit()
        except sqlite3.Error:
            self._roll_back()
            with self._django.wrap_database_errors:
                raise
        if self._django.run_on_commit:
            self._django.run_and_clear_commit_hooks()

    def run(self, statement: str, values: Sequence[Any]) -> int:
        """Execute a statement, with `%s` for each value; return how many rows it has changed."""
        return self._execute(statement, values).rowcount

    def ask(self, question: str, values: Sequence[Any]) -> Any:
        """Return the one value that answers a query."""
        return self._execute(question, values).fetchone()[0]

    def insert(self, statement: str, values: Sequence[Any], rows: int) -> range:
        """Insert rows with ids of AUTOINCREMENT, and return these in the order of the rows.

        They have no gap, as the transaction has the write lock. RETURNING would cost a busy
        process more than the insert: for each row that SQLite hands out, the threads pass the
        interpreter around.
        """
        last = self._execute(statement, values).lastrowid or 0
        return range(last - rows + 1, last + 1)

    def _execute(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self._database.execute(_prepared(statement), values)
        except sqlite3.Error:
            with self._django.wrap_database_errors:
                raise

    def _roll_back(self) -> None:
        self._django.needs_rollback = False
        try:
            self._django.rollback()
        except Error:
            self._django.close()


def fetch(connection: BaseDatabaseWrapper, question: str, values: Sequence[Any]) -> list[Any]:
    """Return the rows that answer a query, with `%s` for each value, as Django's cursors do.

    Within a broken transaction, or where somebody counts or logs queries, it is left to these.
    """
    connection.ensure_connection()
    if connection.needs_rollback or queueing.is_watched(connection):
        with connection.cursor() as cursor:
            cursor.execute(question, values)
            found: list[Any] = cursor.fetchall()
            return found
    try:
        found = connection.connection.execute(_prepared(question), values).fetchall()
    except sqlite3.Error:
        with connection.wrap_database_errors:
            raise
    return found


@lru_cache(maxsize=1024)
def _prepared(statement: str) -> str:
    """Return a statement as the driver writes it, which then finds it among those it has parsed."""
    return FORMAT_QMARK_REGEX.sub("?", statement).replace("%%", "%")
