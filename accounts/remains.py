"""Remains in the files outside of any row: free pages, gaps, the log, forgotten copies."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

from webchat.base.text import fold
from webchat.database import wal
from webchat.database.archive import DATABASE
from webchat.database.backup import backups_in, own_folder
from webchat.database.connecting import own_file
from webchat.database.pages import dead_parts

from .names import username_key
from .traces import Kept

LOG_SECONDS = 3.0  # for a reader that holds the log; a large backup may take longer
ESCAPE = re.compile(r"\\u([0-9a-f]{4})", re.IGNORECASE)


def find_in_files(username: str, texts: list[str]) -> Iterator[str]:
    """Find raw files that name the account outside of any row, or hold one of `texts` at all.

    Call this last: it closes connections, since closing one of SQLite's files in passing would
    release the locks that a connection of this process has on it. Inside a transaction nothing
    is reported: its changes are in no file yet.
    """
    if connection.in_atomic_block:
        return
    database = own_file()
    connections.close_all()
    wal.truncate_within(database, LOG_SECONDS)
    # Values lie side by side in a page: nobody can tell where a name begins and ends.
    key = username_key(username)
    if any(key in _readable(part) for part in dead_parts(database)):
        yield f"{database.name}: bytes of no row"
    log = wal.log_of(database)
    if log.exists() and key in _readable(log.read_bytes()):
        yield f"{log.name}: held by somebody who reads, a backup perhaps; try again"
    for path in _files():
        if path.name == DATABASE and path != database:
            yield f"{path.relative_to(settings.DATA_DIR)}: a copy that a killed command left"
        elif any(_holds(path, text) for text in texts):
            yield f"{path.relative_to(settings.DATA_DIR)}: one of the texts"


def list_copies() -> Iterator[Kept]:
    """List the copies of all data that are kept on purpose, whoever was there then."""
    for path in backups_in(own_folder()):
        yield Kept(f"{path.relative_to(settings.DATA_DIR)}: a backup of what was there then")
    for path in sorted(settings.DATA_DIR.glob("before-restore-*")):
        yield Kept(f"{path.name}: what was there before a restore")


def _readable(content: bytes) -> str:
    """Return it as a text of keys, with the escapes of JSON resolved."""
    text = content.decode(errors="ignore")
    unescaped = ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return fold(unescaped, most=len(unescaped)) or ""


def _files() -> Iterator[Path]:
    """List all files of DATA_DIR but the copies that are kept on purpose."""
    for path in sorted(settings.DATA_DIR.rglob("*")):
        top = path.relative_to(settings.DATA_DIR).parts[0]
        is_kept = top == own_folder().name or top.startswith("before-restore-")
        if path.is_file() and not path.is_symlink() and not is_kept:
            yield path


def _holds(path: Path, text: str) -> bool:
    """Return whether a file has a text in it, as it is or as JSON writes it."""
    with path.open("rb") as file:
        if not text or path.stat().st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            written = (text.encode(), json.dumps(text)[1:-1].encode())
            return any(content.find(each) >= 0 for each in written)
