"""The place of our database, and the setup of each of our connections to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.db import connection

from . import costs

FILE_NAME = "db.sqlite3"
URL_EXAMPLE = "sqlite:////srv/webchat/db.sqlite3"


def file_of(url: str) -> str:
    """Return the file of `sqlite:///data/db.sqlite3` (relative) or `sqlite:////srv/db.sqlite3`.

    "" for any other address, and for a database in memory: the live feed reads a file that other
    processes write to.
    """
    file = environ.Env.db_url_config(url)["NAME"] if url.startswith("sqlite:///") else ""
    return "" if ":memory:" in file else file


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
                " PRAGMA temp_store=MEMORY"
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
    file = own_file()
    return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))
