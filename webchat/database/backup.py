"""Backups: the database of one moment, the files, and a manifest of both; and their return.

One `.tar.gz` holds all of it, or a folder if the files are many (`generations.py`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils import timezone
from django.utils.translation import gettext as _

from . import copies, generations, locks, packing, schema, scratch
from .archive import DATABASE, NoRoomError, UnusableError, copy_file, unpack
from .folders import BEFORE_RESTORE, FILES, LOW_DISK_BYTES, PARTS, PREVIEWS, sync_folder
from .gathering import Shared
from .steps import Step, naming, quietly
from .stops import undisturbed
from .trouble import OF_THE_MACHINE, of_another_file, trouble_of

AGE_AT_MOST = timedelta(hours=48)  # of the newest: the timer makes one each night
AHEAD_AT_MOST = timedelta(minutes=5)  # of a clock that was put right since
# The moment is in UTC, so that summer time cannot mix up the order; "Z" says so, but in old ones.
NAME = re.compile(r"webchat-\d{8}-\d{6}Z?\.tar\.gz")

SUFFIX = ".tar.gz"

LOGS = ("-wal", "-shm")  # of a database that nobody has closed


def write_backup(folder: Path, step: Step = quietly, *, in_one_file: bool = False) -> Path:
    """Write a backup of everything while the server goes on; it is complete or not there.

    It holds every message that was acknowledged before this was called, with its file. `step`
    hears of as many bytes as `bytes_to_read` says, give or take what is written meanwhile. Raises
    OSError.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with scratch.scratch(folder, ".backup-") as own:
        shared = _shared_in(folder, own)
        needed = bytes_to_write(shared, links=scratch.takes_links(own))
        _check_room(own, needed + in_one_file * packing.bytes_there())
        made = packing.make(own, shared, step, in_one_file=in_one_file)
        target = _free_place(folder)
        if made.is_dir():
            target = target.with_name(target.name.removesuffix(SUFFIX))
        # In a folder that others write into, too, nobody can know its name beforehand.
        os.rename(made, target)
    sync_folder(folder)
    return target


def bytes_to_read(folder: Path) -> int:
    """Return what a backup there reads: the database thrice, and the files that it copies."""
    return 3 * _size(settings.DATABASE_FILE) + packing.bytes_to_copy(_newest_shared(folder))


def bytes_to_write(shared: Shared | None, *, links: bool = True) -> int:
    """Return the room that a backup needs: a copy of the database, and what does not shrink.

    Text packs to a third; what is random, as hashes and pictures, stays as long as it is.
    """
    return 2 * _size(settings.DATABASE_FILE) + packing.bytes_to_copy(shared, links=links)


def bytes_of(paths: Iterable[Path]) -> int:
    """Return the room that backups take together: what they share, they take once."""
    return sum({_identity(file): _size(file) for path in paths for file in _inside(path)}.values())


def _inside(path: Path) -> Iterator[Path]:
    if not generations.is_to_be_read(path):
        yield path
        return
    for folder, _names, names in os.walk(path):
        yield from (Path(folder, name) for name in names)


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:  # another backup has just made room
        return 0, 0
    return found.st_dev, found.st_ino


def clear_left() -> list[Path]:
    """Delete the work of backups and restores that were killed, and return its folders."""
    places = dict.fromkeys((settings.DATA_DIR, settings.DATABASE_FILE.parent, own_folder()))
    return [path for place in places for path in scratch.clear(place)]


def make_room(folder: Path, number: int) -> list[Path]:
    """Delete what `keep_newest` would delete afterwards, if the new one does not fit beside it."""
    if number == 1:
        return []
    with scratch.scratch(folder, ".backup-") as own:
        shared = _shared_in(folder, own)
        needed = bytes_to_write(shared, links=scratch.takes_links(own))
    has_room = _with_what_stays_free(folder, needed) <= shutil.disk_usage(folder).free
    return [] if has_room else keep_newest(folder, number)


def keep_newest(folder: Path, number: int, *, written: Path | None = None) -> list[Path]:
    """Delete all but the newest `number`, of which `written` is the first, whatever clocks say.

    Without `written` there is room for one more. Files with other names are not ours to delete.
    """
    others = [each for each in backups_in(folder) if each != written]
    gone = others[: max(0, len(others) - (number - 1))]
    for path in gone:
        _delete(path)
    return gone


def _delete(path: Path) -> None:
    """Delete a backup, at once also if it is a folder: half of one must not look whole."""
    with suppress(FileNotFoundError):  # as another backup into the same folder does
        if not path.is_dir():
            path.unlink()
            return
        with scratch.scratch(path.parent, ".backup-") as own:
            os.rename(path, own / path.name)


def backups_in(folder: Path) -> list[Path]:
    """Return the backups in a folder, the newest last, and before all others those of the future.

    A clock that was ahead has dated those: nobody can tell how old they are.
    """
    if not folder.is_dir():
        return []
    found = [each for each in folder.iterdir() if _is_backup(each)]
    return sorted(found, key=lambda path: (not is_of_the_future(path), path.name))


def _is_backup(path: Path) -> bool:
    return (NAME.fullmatch(path.name) and path.is_file()) or generations.is_one(path)


def is_of_the_future(path: Path) -> bool:
    """Return whether a backup says by its name, or its file by its date, that it is yet to come."""
    limit = timezone.now() + AHEAD_AT_MOST
    return path.name > _name_at(limit) or _modified_at(path) > limit.timestamp()


def _free_place(folder: Path) -> Path:
    """Return the path of a new backup; a second that has one already keeps it."""
    moment = timezone.now()
    while any(map(os.path.lexists, _both_forms(path := folder / _name_at(moment)))):
        moment += timedelta(seconds=1)
    return path


def _both_forms(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(path.name.removesuffix(SUFFIX))


def _name_at(moment: datetime) -> str:
    return f"webchat-{moment:%Y%m%d-%H%M%S}Z{SUFFIX}"


def own_folder() -> Path:
    """Return the folder for backups that were to go nowhere else."""
    folder: Path = settings.DATA_DIR / "backups"
    return folder


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest backup in our own folder, and how many there are of the future."""

    name: str
    made_at: datetime
    is_of_the_future: bool  # as are all others then
    doubtful: int

    @property
    def age(self) -> timedelta:
        return timezone.now() - self.made_at

    @property
    def is_old(self) -> bool:
        return self.age > AGE_AT_MOST


def newest_backup() -> Newest | None:
    backups = backups_in(own_folder())
    if not backups:
        return None
    newest = backups[-1]
    doubtful = sum(map(is_of_the_future, backups))
    made_at = datetime.fromtimestamp(_modified_at(newest), UTC)
    return Newest(newest.name, made_at, doubtful == len(backups), doubtful)


def restore(
    file: Path, step: Step = quietly, when_read: Callable[[], None] = lambda: None
) -> Path | None:
    """Put a backup in the place of the data, which no server may be using.

    Until the last step, one rename, the old data stay; they are kept in the folder that is
    returned. Raises UnusableError and OSError, and then nothing has changed; once that step is
    taken, a stop comes too late. If it fails, a note of the error names the folder. `step` hears of
    the bytes of the file, as they are read, and `when_read` is called before what was read is
    checked, which takes about as long again.
    """
    with (
        ExitStack() as until_the_end,
        _nobody_serves(),
        scratch.scratch(settings.DATA_DIR, ".restore-") as folder,
    ):
        reader = generations.unpack if generations.is_to_be_read(file) else unpack
        reader(file, folder, step)
        when_read()
        _make_ours(folder / DATABASE, folder)
        with _on_the_disk_of_ours(folder / DATABASE) as database:
            with _old_kept() as kept:
                _add_files(folder / FILES)
                until_the_end.enter_context(undisturbed())
            _put_in_place(database, kept)
            shutil.rmtree(settings.DATA_DIR / PARTS, ignore_errors=True)
    connections.close_all()
    return kept


# Writing


def _newest_shared(folder: Path) -> Shared | None:
    """Return what a new backup in a folder can share with the newest that is a folder itself."""
    found = [each for each in backups_in(folder) if each.is_dir()]
    return generations.shared_of(found[-1]) if found else None


def _shared_in(folder: Path, own: Path) -> Shared | None:
    return _newest_shared(folder) if scratch.takes_links(own) else None


def _check_room(folder: Path, needed: int) -> None:
    """Raise OSError before a disk is filled that the server may need, too."""
    needed, free = _with_what_stays_free(folder, needed), shutil.disk_usage(folder).free
    if needed > free:
        raise NoRoomError(folder.parent, needed, free)


def _with_what_stays_free(folder: Path, needed: int) -> int:
    """Return how much has to be free for a backup: beside the data, messages go on after it.

    A small one leaves as much as it takes: on a disk that is nearly full it is still worth it.
    """
    of_data = filter(Path.exists, (settings.DATA_DIR, settings.DATABASE_FILE.parent))
    is_beside = folder.stat().st_dev in {place.stat().st_dev for place in of_data}
    return needed + min(needed, LOW_DISK_BYTES) if is_beside else needed


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # its message has just been deleted
        return 0


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another backup has just made room
        return 0


# Reading


def _make_ours(database: Path, scratch: Path) -> None:
    """Check a database that came from elsewhere, and make it one of this version.

    Raises UnusableError, and OSError by the folder whose disk fails: not that of our database.
    """
    with naming(scratch), of_another_file():
        _make_ours_there(database, scratch / f"ours-{DATABASE}")


def _make_ours_there(database: Path, ours: Path) -> None:
    schema.migrate(ours)
    try:
        schema.check_whole(database)
        schema.check_code(database, ours)
        schema.migrate(database)
        schema.check_tables(database, ours)
        copies.start_over(database, copies.beyond_all_ids([settings.DATABASE_FILE, database]))
        copies.forget_previews(database, _previews())
        schema.check_whole(database)
    except UnusableError:
        raise
    except Exception as error:  # a foreign one may fail in any way that a migration can
        if trouble_of(error) in OF_THE_MACHINE or (isinstance(error, OSError) and error.errno):
            raise
        raise UnusableError(_("The database in it is damaged.")) from error


def _previews() -> set[str]:
    folder: Path = settings.DATA_DIR / PREVIEWS
    return set(os.listdir(folder)) if folder.is_dir() else set()


@contextmanager
def _on_the_disk_of_ours(database: Path) -> Iterator[Path]:
    """Bring a database beside ours, which may be elsewhere: only there is a rename one step."""
    place: Path = settings.DATABASE_FILE.parent
    with scratch.scratch(place, ".restore-") as own:
        ready = own / DATABASE
        try:
            os.rename(database, ready)
        except OSError:  # another disk
            needed, free = _size(database), shutil.disk_usage(place).free
            if needed > free:
                raise NoRoomError(place, needed, free) from None
            copy_file(database, ready)
        _sync_file(ready)
        yield ready


@contextmanager
def _old_kept() -> Iterator[Path | None]:
    """Keep the old database with its log beside the data, unless what follows fails."""
    database: Path = settings.DATABASE_FILE
    if not database.exists():
        yield None
        return
    kept: Path = settings.DATA_DIR / f"{BEFORE_RESTORE}{timezone.now():%Y%m%d-%H%M%S}Z"
    kept.mkdir(mode=0o700)
    try:
        connections.close_all()
        copies.fold_log(database)
        for suffix in ("", *LOGS):
            _keep(Path(f"{database}{suffix}"), kept / f"{DATABASE}{suffix}")
        sync_folder(kept)
        yield kept
    except BaseException:
        shutil.rmtree(kept, ignore_errors=True)
        raise


def _keep(path: Path, at: Path) -> None:
    try:
        os.link(path, at)
    except FileNotFoundError:  # no log, as after every clean end
        return
    except OSError:  # a file system without links, or another one
        copy_file(path, at)


def _put_in_place(database: Path, kept: Path | None) -> None:
    """Take the last step. A log of the old database would be written into the new one."""
    ours: Path = settings.DATABASE_FILE
    try:
        for suffix in LOGS:
            Path(f"{ours}{suffix}").unlink(missing_ok=True)
        os.replace(database, ours)
        sync_folder(ours.parent)
    except OSError as error:  # only the kept one may have what was in the log
        if kept is not None:
            error.add_note(_("What stood there before: %(path)s") % {"path": kept})
        raise


def _add_files(folder: Path) -> None:
    """Add the files; those never change nor share a name, so the ones there may stay."""
    target: Path = settings.DATA_DIR / FILES
    target.mkdir(mode=0o700, exist_ok=True)
    for path in folder.iterdir():
        _sync_file(path)
        os.replace(path, target / path.name)
    sync_folder(target)


@contextmanager
def _nobody_serves() -> Iterator[None]:
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    try:
        lock = locks.take(locks.serving_lock(), seconds=0)
    except locks.HeldError as error:
        message = _("The server is running: stop it first. (Process: %(process)s)")
        raise UnusableError(message % {"process": error.holders or "?"}) from None
    with lock:
        yield


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
