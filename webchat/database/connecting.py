"""The place of our database, and the setup of each of our connections to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.db import connection

from . import costs, wal

FILE_NAME = "db.sqlite3"
URL_EXAMPLE = "sqlite:////srv/webchat/db.sqlite3"


def file_of(url: str) -> str:
    """Return the file of `sqlite:///data/db.sqlite3` (relative) or `sqlite:////srv/db.sqlite3`.

    "" for any other address, as one with a query, and for a database in memory: the live feed reads
    a file that other processes write to.
    """
    path = url.removeprefix("sqlite:///")
    is_ours = path != url and not {"?", "#"}.intersection(path) and ":memory:" not in path
    return unquote(path, errors="surrogateescape") if is_ours else ""


def to_read(file: Path) -> str:
    """Return the address of a database that is only read, for `sqlite3.connect(…, uri=True)`.

    A plain path would not do: `#`, `?` and `%` mean something in an address.
    """
    return f"{file.absolute().as_uri()}?mode=ro"


def settings_for(file: Path) -> dict[str, Any]:
    """Return one entry of Django's `DATABASES`."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        # The request threads live as long as the process, and so do their connections.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # A transaction that reads first and writes later could never wait for the lock.
            "transaction_mode": "IMMEDIATE",
            "factory": costs.Connection,
            "timeout": 5,  # seconds to wait for the lock before the honest 503
            # FULL: what was acknowledged survives a power cut. Deleted data are overwritten.
            # A statement's undo data need no file of their own.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                f" PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint={wal.PAGES_AT_MOST}"
            ),
        },
    }


def own_file() -> Path:
    """Return the file that the connections of this process are open to."""
    return Path(str(connection.settings_dict["NAME"]))


def files_of(database: Path) -> list[Path]:
    """Return every file that a database may consist of at some time, there or not."""
    return [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]


def bytes_used() -> int:
    """Return the room on the disk that the database takes, its log included."""
    return sum(each.stat().st_size for each in files_of(own_file()) if each.exists())


def bytes_free() -> int:
    """Return the room inside of the file that deleted data have left, for new data to fill."""
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA freelist_count").fetchone()[0]
        size = cursor.execute("PRAGMA page_size").fetchone()[0]
    return int(pages * size)
