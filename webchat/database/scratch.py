"""Folders for work under way; those that a killed process left, the next one clears."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIXES = (".backup-", ".restore-")
LOCK = "lock"  # held in each for as long as its process works there
# Versions before this one took no lock; no work of theirs was as long.
OLD_SECONDS = 6 * 3600
# Of a disk that knows no locks, as some of the network: there, age alone tells.
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def scratch(folder: Path, prefix: str) -> Iterator[Path]:
    """Yield a folder of our own, which is gone afterwards; first clear what others have left."""
    clear(folder)
    path, lock = _make(folder, prefix)
    try:
        yield path
    finally:
        lock.close()  # first: a network disk keeps a file that is open
        shutil.rmtree(path, ignore_errors=True)


def clear(folder: Path) -> list[Path]:
    """Delete the folders that killed processes have left, and return them.

    They may hold a copy of all data. Those in which somebody works stay.
    """
    with suppress(OSError):
        return [path for path in folder.iterdir() if _is_scratch(path) and _clear(path)]
    return []


def _is_scratch(path: Path) -> bool:
    return path.name.startswith(PREFIXES) and path.is_dir() and not path.is_symlink()


def _clear(path: Path) -> bool:
    try:
        with (path / LOCK).open("r+b") as lock:
            if not _lock(lock):
                return _clear_if_old(path)
            shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(path, ignore_errors=True)  # a network disk has kept the open file
    except FileNotFoundError:
        _clear_without_lock(path)
    except OSError:  # somebody works there, or it is another user's
        pass
    return not path.exists()


def _clear_without_lock(path: Path) -> None:
    """Delete a folder that is empty (who has just made it makes another), or an old one."""
    with suppress(OSError):
        path.rmdir()
        return
    _clear_if_old(path)


def _clear_if_old(path: Path) -> bool:
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > OLD_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


def _make(folder: Path, prefix: str) -> tuple[Path, IO[bytes]]:
    """Make a folder with its lock held; again if another process took it for a left one."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        with suppress(BlockingIOError, FileNotFoundError):
            descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            lock = os.fdopen(descriptor, "r+b")
            try:
                _lock(lock)
                if (path / LOCK).exists():
                    return path, lock
            except BaseException:
                lock.close()
                shutil.rmtree(path, ignore_errors=True)
                raise
            lock.close()


def _lock(file: IO[bytes]) -> bool:
    """Lock a file; False where its disk knows no locks. Raises BlockingIOError if it is taken."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        return False
    return True
