"""Folders for work under way; those that a killed process left, the next one clears."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .archive import DATABASE, FILE_NAME, LEFT_BY_DESKTOPS, MANIFEST, PACKED
from .folders import FILES

PREFIXES = (".backup-", ".restore-")
NAME = re.compile(r"\.(backup|restore)-[a-z0-9_]{8}")  # as mkdtemp makes it
LOCK = "lock"  # held in each for as long as its process works there
TRIAL = f"{LOCK}-link"  # of whether the disk takes a second name for a file
# All that is ever written there, by its path from there: on its way, or as a backup that goes.
OWN = re.compile(
    rf"{LOCK}|{TRIAL}|(ours-)?{re.escape(DATABASE)}(-wal|-shm|-journal)?"
    rf"|webchat-[0-9Z-]+(\.tar\.gz)?"
    rf"|(webchat-[0-9Z-]+/)?({MANIFEST}|{re.escape(PACKED)}|{FILES}|{FILE_NAME.pattern})"
    rf"|webchat-[0-9Z-]+/({FILES}/)?({LEFT_BY_DESKTOPS.pattern})"
    rf"|([^/]+/)*\.nfs[0-9a-f]+"  # of a file deleted while open
)
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


def takes_links(own: Path) -> bool:
    """Return whether the disk of a folder of ours gives a file a second name."""
    try:
        os.link(own / LOCK, own / TRIAL)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def clear(folder: Path) -> list[Path]:
    """Delete the folders that killed processes have left, and return them.

    They may hold a copy of all data. Those in which somebody works stay, and whatever others keep
    in the same place, under any name.
    """
    return [path for path in found_in(folder) if _clear(path)]


def found_in(folder: Path) -> list[Path]:
    """Return the folders that we have made in a folder, those of the living as well."""
    with suppress(OSError):
        return [path for path in folder.iterdir() if _is_ours(path)]
    return []


def _is_ours(path: Path) -> bool:
    with suppress(OSError):  # another user's, or just gone
        return _is_scratch(path)
    return False


def outside(path: Path) -> Path:
    """Return the folder in which a folder of ours was made, for a path in it; any other as it is.

    Its name is of no use to anybody: it is gone by then.
    """
    inner = [each for each in (path, *path.parents) if NAME.fullmatch(each.name)]
    return inner[-1].parent if inner else path


def _is_scratch(path: Path) -> bool:
    """Return whether we have made a folder; one more file in it, and it is somebody else's."""
    if not NAME.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
        return False
    # On a stick without owners all is of whom its root is.
    owners = (os.geteuid(), _owner_of(path.parent))
    return _owner_of(path) in owners and all(map(OWN.fullmatch, _names_in(path)))


def _owner_of(path: Path) -> int:
    return path.stat().st_uid


def _names_in(folder: Path) -> Iterator[str]:
    """Yield the paths of all files and folders in a folder. Raises OSError where it is closed."""
    for place, folders, files in os.walk(folder, onerror=_fail):
        for name in folders + files:
            yield str(Path(place, name).relative_to(folder))


def _fail(error: OSError) -> None:
    raise error


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
