"""Copies of a database, made ready to take the place of another."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Container, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings

from . import wal
from .archive import DATABASE, digest, is_file_name
from .connecting import to_read
from .folders import BEFORE_RESTORE
from .steps import Counted, quietly
from .trouble import of_another_file

COUNTED = ("accounts_user", "friends_friendship", "chat_message", "chat_event")
# An id from before a restore must never lead to something else after it.
HANDED_OUT = ("chat_event", "chat_message")
UPLOADS = "chat_upload"
# The tables whose column `file` names files of the folder.
WITH_FILES = ("chat_attachment", "chat_evidence")
# The one whose column `face` does.
PEOPLE = "accounts_user"
COLUMNS = "SELECT name FROM pragma_table_info(?)"
MARGIN = 1_000_000  # for what was handed out after the backup, where nothing else can tell


def copy(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, while others write into it.

    Raises OSError without a name if the disk of `target` fails.
    """
    with moment(source) as old:
        copy_moment(old, source, target)


@contextmanager
def moment(source: Path) -> Iterator[sqlite3.Connection]:
    """Hold a database as it is now, for whoever reads it by this connection."""
    with closing(sqlite3.connect(to_read(source), uri=True, isolation_level=None)) as old:
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_schema")  # opens all files of the source
        yield old


def copy_moment(old: sqlite3.Connection, source: Path, target: Path) -> None:
    """Copy the database at a moment that is held. Raises OSError as `copy` does."""
    try:
        with of_another_file(), closing(sqlite3.connect(target)) as new:
            # In one step: with several it starts again whenever somebody writes in between.
            old.backup(new, pages=-1)
            new.execute("PRAGMA journal_mode=DELETE")
    except OSError as error:
        if error.errno == errno.EIO:  # SQLite does not say of which of both
            digest(Counted(source.open("rb"), quietly))
        raise


def files_in(database: sqlite3.Connection) -> dict[str, str]:
    """Return the SHA-256 of each file that a row names; "" where it is not known."""
    found: dict[str, str] = {}
    for table in WITH_FILES:
        columns = {name for (name,) in database.execute(COLUMNS, [table])}
        if "file" in columns:
            known = "sha256" if "sha256" in columns else "''"  # in a backup before an upgrade
            rows = database.execute(f"SELECT file, {known} FROM {table}")  # noqa: S608
            found |= {name: sha256 for name, sha256 in rows if is_file_name(name)}
    if "face" in {name for (name,) in database.execute(COLUMNS, [PEOPLE])}:
        rows = database.execute(f"SELECT face FROM {PEOPLE} WHERE face <> ''")  # noqa: S608
        found |= {name: "" for (name,) in rows if is_file_name(name)}
    return found


def files_of_replaced() -> set[str]:
    """Return the files that databases name which a restore has replaced, for the way back to them.

    A damaged one names none. Raises sqlite3.OperationalError for one that cannot be opened now.
    """
    found: set[str] = set()
    for path in settings.DATA_DIR.glob(f"{BEFORE_RESTORE}*/{DATABASE}"):
        # Without a log nobody has written since, and reading shall make none beside it.
        address = to_read(path) + ("" if wal.log_of(path).exists() else "&immutable=1")
        with closing(sqlite3.connect(address, uri=True)) as database:
            try:
                found |= files_in(database).keys()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                continue
    return found


def count_rows(database: Path) -> dict[str, int]:
    """Count the rows that people ask about first."""
    with of_another_file(), closing(sqlite3.connect(database)) as connection:
        return {
            table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in COUNTED
        }


def list_migrations(database: Path) -> list[list[str]]:
    """Return the app and the name of all that were applied."""
    with of_another_file(), closing(sqlite3.connect(database)) as connection:
        migrations = connection.execute(
            "SELECT app, name FROM django_migrations ORDER BY app, name"
        ).fetchall()
    return [list(migration) for migration in migrations]


def beyond_all_ids(databases: Iterable[Path]) -> int:
    """Return a number beyond every id of events and messages that any of these has handed out."""
    highest = 0
    for path in databases:
        if not path.exists():
            continue
        with closing(sqlite3.connect(to_read(path), uri=True)) as connection:
            try:
                rows = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
            except sqlite3.DatabaseError:
                continue  # a damaged one cannot tell
        highest = max([highest, *(seq for name, seq in rows if name in HANDED_OUT)])
    return highest + MARGIN


def start_over(database: Path, number: int) -> None:
    """Make ids go on beyond `number`, every open page reload, and everybody log in again."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA secure_delete=ON")
        for table in HANDED_OUT:
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", [table])
            connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", [table, number])
        connection.execute(
            "INSERT OR REPLACE INTO chat_eventlog (id, pruned_through, head_at_least)"
            " VALUES (1, ?, ?)",
            [number, number],
        )
        # A session that has ended since must not come back to life, nor must a used code.
        # The parts of uploads are in no backup.
        for table in ("accounts_usersession", "django_session", "accounts_onetimecode", UPLOADS):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
    with closing(sqlite3.connect(database)) as connection:
        # One file, without a log beside it.
        connection.execute("PRAGMA journal_mode=DELETE")


def forget_previews(database: Path, there: Container[str]) -> None:
    """Leave no name of a preview but of these: whoever finds a picture without one makes it."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in WITH_FILES:
            if "preview" in {name for (name,) in connection.execute(COLUMNS, [table])}:
                rows = connection.execute(f"SELECT id, preview FROM {table} WHERE preview <> ''")  # noqa: S608
                gone = [(pk,) for pk, preview in rows.fetchall() if preview not in there]
                connection.executemany(f"UPDATE {table} SET preview = '' WHERE id = ?", gone)  # noqa: S608


def fold_log(database: Path) -> None:
    """Checkpoint the log into the database; a damaged one stays as it is."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        pass
