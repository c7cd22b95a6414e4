"""The schema of a database, compared with what our migrations make, and migrated."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connection, connections
from django.utils.translation import gettext as _

from .archive import UnusableError

# As SQLite itself writes them. Whatever else a schema holds is code: triggers, views, virtual
# tables; judged by its text and not by its type, which nothing checks.
PLAIN = re.compile(r"CREATE (TABLE|INDEX|UNIQUE INDEX) ")


def migrate(database: Path) -> None:
    """Bring any database up to date, not only the server's own, or make a new one."""
    with _in_place_of_ours(database):
        call_command("migrate", verbosity=0, interactive=False)


def check_whole(database: Path) -> None:
    """Check for damage: UnusableError, or sqlite3.DatabaseError if it is no database at all."""
    with closing(sqlite3.connect(database)) as found:
        [whole] = found.execute("PRAGMA integrity_check").fetchone()
        orphan = found.execute("PRAGMA foreign_key_check").fetchone()
        # An empty file is a database, too.
        applied = found.execute("SELECT 1 FROM django_migrations").fetchone()
    if whole != "ok" or orphan is not None or applied is None:
        raise UnusableError(_("The database in it is damaged."))


def check_code(database: Path, ours: Path) -> None:
    """Refuse triggers, views and the like that are not word for word those of `ours`.

    They would run with the next statement, with everything that the server may do.
    """
    if _code(database) - _code(ours):
        raise UnusableError(_("It holds something that does not belong there."))


def check_tables(database: Path, ours: Path) -> None:
    """Refuse a database in which a table of `ours` is missing, or has other columns."""
    found = _tables(database)
    if any(found.get(name) != columns for name, columns in _tables(ours).items()):
        raise UnusableError(_("The database in it is damaged."))


def _code(database: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(database)) as found:
        rows = found.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {(name, sql) for name, sql in rows if not PLAIN.match(sql)}


def _tables(database: Path) -> dict[str, set[tuple[str, int]]]:
    """Return the columns by table, each with whether it is generated (`hidden`)."""
    question = (
        "SELECT m.name, c.name, c.hidden FROM sqlite_master m, pragma_table_xinfo(m.name) c"
        " WHERE m.type = 'table'"
    )
    tables: dict[str, set[tuple[str, int]]] = {}
    with closing(sqlite3.connect(database)) as found:
        for table, column, hidden in found.execute(question):
            tables.setdefault(table, set()).add((column, hidden))
    return tables


@contextmanager
def _in_place_of_ours(database: Path) -> Iterator[None]:
    settings = connection.settings_dict
    ours = settings["NAME"]
    connections.close_all()
    settings["NAME"] = database
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"] = ours
