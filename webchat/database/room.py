"""The room in the database file that rows have left, and its return to the disk."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from . import wal
from .archive import NoRoomError

IN_STEPS = 2  # the `auto_vacuum` of a file that can give room back a little at a time
PAGES_AT_FIRST = 256  # one megabyte
STEP_SECONDS = 0.05  # of a step, for which writers wait; the pause after it is as long
# Of a processor and a disk that others use, too: 100 MB of content took 2.4 s there.
SECONDS_A_BYTE = 2.5 / 100e6
BUSY_SECONDS = 5
STEPS_A_BEAT = 1000  # of SQLite's machine, below a millisecond
# Where SQLite puts its temporary files: https://sqlite.org/tempfiles.html, 5. Variables come first.
NAMED_IN = ("SQLITE_TMPDIR", "TMPDIR")
TEMPORARY = ("/var/tmp", "/usr/tmp", "/tmp", ".")  # noqa: S108
WORTH_SHARE, WORTH_BYTES = 0.25, 10 * 1024 * 1024  # below that, new messages soon fill it


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a database file, and whether they can be given back while people write."""

    total: int
    free: int
    in_steps: bool

    @property
    def used(self) -> int:
        return self.total - self.free

    @property
    def seconds(self) -> float:
        """Return about how long nobody can write while the file is written again as a whole."""
        return self.used * SECONDS_A_BYTE

    @property
    def is_worth_it(self) -> bool:
        return self.free > max(WORTH_BYTES, self.total * WORTH_SHARE)


def measure(file: Path) -> Room:
    with closing(_connect(file)) as database:
        size, pages, free, mode = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
        )
    return Room(size * pages, size * free, mode == IN_STEPS)


def check_room(file: Path) -> None:
    """Raise NoRoomError for a folder that is too small for `rebuild`, or PermissionError.

    The content is written twice: into a temporary file, and from there into the log.
    """
    needed = measure(file).used
    folders = [_temporary(), file.parent]
    shared = folders[0].stat().st_dev == folders[1].stat().st_dev
    for folder in folders:
        wanted, free = needed * (1 + shared), shutil.disk_usage(folder).free
        if wanted > free:
            raise NoRoomError(folder, wanted, free)


def rebuild(file: Path, beat: Callable[[], None] = lambda: None) -> None:
    """Write the file again without its free pages; from then on it can give back in steps.

    Nobody can write meanwhile. `beat` is called many times a second; what it raises, Ctrl+C too,
    ends the work, and the file is as it was.
    """
    with closing(_connect(file)) as database:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _vacuum(database, beat)
    wal.truncate_within(file, BUSY_SECONDS)


def _vacuum(database: sqlite3.Connection, beat: Callable[[], None]) -> None:
    raised: list[BaseException] = []

    def go_on() -> bool:
        try:
            beat()
        except BaseException as error:  # SQLite would only say that it was interrupted
            raised.append(error)
        return bool(raised)

    database.set_progress_handler(go_on, STEPS_A_BEAT)
    try:
        database.execute("VACUUM")
    except sqlite3.OperationalError:
        if raised:
            raise raised[0] from None
        raise
    finally:
        database.set_progress_handler(None, 0)


def give_back(file: Path) -> Iterator[int]:
    """Give free pages back in short steps with as long pauses, and yield the bytes of each."""
    pages = PAGES_AT_FIRST
    with closing(_connect(file)) as database:
        free = _free(database)
        while free:
            began = time.monotonic()
            # As a script, or only the first page would be given back.
            database.executescript(f"PRAGMA incremental_vacuum({pages})")
            taken = time.monotonic() - began
            left = _free(database)
            yield max(free - left, 0)
            if left >= free:  # somebody deletes faster than this
                break
            free = left
            pages = max(16, int(pages * min(2, STEP_SECONDS / max(taken, 0.001))))
            time.sleep(taken)
    wal.truncate_within(file, BUSY_SECONDS)


def _free(database: sqlite3.Connection) -> int:
    pages, size = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size")
    )
    return int(pages * size)


def _connect(file: Path) -> sqlite3.Connection:
    """Connect with temporary files on the disk, where our other connections have memory."""
    database = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
    database.execute("PRAGMA secure_delete=ON")
    return database


def _temporary() -> Path:
    for place in (*map(os.environ.get, NAMED_IN), *TEMPORARY):
        if place and Path(place).is_dir() and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), TEMPORARY[0])
