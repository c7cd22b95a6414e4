"""Locks between processes: taken within two seconds, or refused with the holder's name."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

from django.conf import settings

from .trouble import Trouble, trouble_of

LOCK_SECONDS = 2.0  # a program starts in one more: within three a person is told
LOOK_SECONDS = 0.05


class HeldError(Exception):
    """A lock that cannot be had: `path` is its file, `holders` those who have it, if known."""

    def __init__(self, path: Path, holders: list[str]) -> None:
        self.path = path
        self.holders = ", ".join(holders)
        super().__init__(
            f"{path} 被另一个程序锁住（进程 {self.holders or '未知'}）。\n"
            f"{path} is locked by another program (process {self.holders or 'unknown'}):"
            " stop it, or start again when it is done."
        )


def serving_lock() -> Path:
    """Return the file on which every server holds a shared lock while it serves."""
    path: Path = settings.DATA_DIR / "serving.lock"
    return path


def take(path: Path, kind: int = fcntl.LOCK_EX, seconds: float = LOCK_SECONDS) -> IO[bytes]:
    """Lock the file, which only its owner may open; closing it releases the lock.

    Raises HeldError when somebody else still has it after `seconds`.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags, 0o600), "r+b")
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.close()
                raise HeldError(path, holders_of([path])) from None
            time.sleep(LOOK_SECONDS)


def reach_database(path: Path, *, to_write: bool) -> None:
    """Read a database, and take its write lock for a moment; HeldError when others have it.

    Whatever else is wrong with it shows when it is opened for use. SQLite would wait for up to
    ten seconds for some of its locks, whatever it is told, so it is asked in a thread.
    """
    if not path.exists():
        return
    refusals: list[bool] = []
    asking = threading.Thread(target=_ask, args=(path, to_write, refusals), daemon=True)
    asking.start()
    asking.join(LOCK_SECONDS)
    files = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
    if not refusals:
        # If nobody has a lock, it is reading what a crash has left behind.
        if holders := holders_of(files):
            raise HeldError(path, holders)
        asking.join()
    if any(refusals):
        raise HeldError(path, holders_of(files))


def _ask(path: Path, to_write: bool, refusals: list[bool]) -> None:
    timeout = LOCK_SECONDS - 0.5
    try:
        with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as database:
            database.execute("SELECT count(*) FROM sqlite_schema")
            if to_write:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
            refusals.append(False)  # before the closing, which may write a long log back
    except sqlite3.Error as error:
        refusals.append(trouble_of(error) is Trouble.LOCKED)


def holders_of(paths: Iterable[Path]) -> list[str]:
    """List other processes that lock any of the files: `4711 python3`; see proc_locks(5)."""
    files = set()
    for path in paths:
        with suppress(OSError):
            found = path.stat()
            device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
            files.add(f"{device}:{found.st_ino}")
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    held = (line.split()[4:6] for line in lines if " -> " not in line)  # not those who wait for it
    pids = {int(pid) for pid, file in held if file in files}
    return [_process(pid) for pid in sorted(pids - {os.getpid()})]


def _process(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_bytes().decode(errors="replace")
        return f"{pid} {name.strip()}"
    except OSError:  # another user's where /proc is hidden, or one that has ended
        return str(pid)
