"""Backups that are folders: each is complete by itself, and shares its files with the one before.

A file of a message never gets other bytes, so a backup beside another one needs a second name for
it and no copy. Deleting a backup takes nothing from another, and a copy of the folder is all of it.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from .archive import (
    CHUNK,
    DATABASE,
    LEFT_BY_DESKTOPS,
    MANIFEST,
    MANIFEST_BYTES,
    NONSENSE,
    PACKED,
    Allowance,
    Fact,
    Inode,
    NoRoomError,
    UnusableError,
    bytes_of_contents,
    check_manifest,
    check_room,
    digest,
    explain,
    inode_of,
    takes_name,
)
from .folders import FILES, GENERATION, sync_folder
from .gathering import Shared
from .steps import Counted, Step, naming, quietly

PARTS_OF_IT = {MANIFEST, PACKED, FILES}
COMPRESSION = 6  # of gzip: 9 takes three times as long for a hundredth less


def is_one(path: Path) -> bool:
    """Return whether a path is such a backup; with more in it, it is somebody else's folder."""
    if not GENERATION.fullmatch(path.name) or path.is_symlink():
        return False
    with suppress(OSError):
        return _names_in(path) == PARTS_OF_IT
    return False


def _names_in(folder: Path) -> set[str]:
    return {name for name in os.listdir(folder) if not LEFT_BY_DESKTOPS.fullmatch(name)}


def is_to_be_read(path: Path) -> bool:
    """Return whether a folder of any name should be read as such a backup."""
    return (path / MANIFEST).is_file()


def finish(
    folder: Path, database: Path, manifest: dict[str, Any], copied: Iterable[Path], step: Step
) -> None:
    """Complete a folder that has its files already, and sync all that is new in it."""
    packed = folder / PACKED
    with (
        Counted(database.open("rb"), step) as plain,
        naming(packed),
        gzip.open(packed, "xb", compresslevel=COMPRESSION) as out,
    ):
        shutil.copyfileobj(plain, out, CHUNK)
    for path in (packed, *copied):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    with (folder / MANIFEST).open("xb") as out:
        out.write(json.dumps(manifest, indent=1).encode())
        out.flush()
        os.fsync(out.fileno())
    sync_folder(folder / FILES)
    sync_folder(folder)


def shared_of(path: Path) -> Shared | None:
    """Return what the next backup may share with this one; None if it is damaged.

    Nor if it is of another user, who may have put it there: on a stick without owners all is of
    whom its root is.
    """
    try:
        owner = path.stat().st_uid
        if owner not in (os.geteuid(), path.parent.stat().st_uid):
            return None
        manifest = _read_manifest(path)
        facts = {
            name.removeprefix(f"{FILES}/"): Fact(int(each["bytes"]), str(each["sha256"]))
            for name, each in manifest["files"].items()
            if name != DATABASE
        }
    except (*NONSENSE, UnusableError):
        return None
    return Shared(path / FILES, facts, owner)


def unpack(path: Path, target: Path, step: Step = quietly) -> None:
    """Bring a backup into an empty folder, without a second copy of its files where that goes.

    Raises UnusableError unless it is whole and nothing is in it that its manifest does not name,
    and OSError.
    """
    try:
        _unpack(path, target, step)
    except NONSENSE as error:
        if isinstance(error, OSError) and (error.errno or isinstance(error, NoRoomError)):
            raise
        raise UnusableError(explain(error, is_ours=True)) from error


def _unpack(path: Path, target: Path, step: Step) -> None:
    wanted: dict[str, Any] = _read_manifest(path)["files"]
    step((path / MANIFEST).stat().st_size)
    _compare(path, {name.removeprefix(f"{FILES}/") for name in wanted if name != DATABASE})
    links = path.stat().st_dev == target.stat().st_dev
    here = {DATABASE: wanted[DATABASE]} if links else wanted
    check_room(bytes_of_contents(here), target)
    (target / FILES).mkdir()
    files = _Bringing(step)
    for name, each in wanted.items():
        expected = Fact(each["bytes"], each["sha256"])
        if name == DATABASE:
            found = _unpack_database(path / PACKED, target / DATABASE, expected.bytes, step)
        else:
            found = files.bring(path / name, target / name, expected)
        if found != expected:
            raise UnusableError(_("A checksum is wrong: the file is damaged."))


def _compare(path: Path, names: set[str]) -> None:
    """Compare what is there with what should be. Raises UnusableError."""
    if not stat.S_ISDIR((path / FILES).stat(follow_symlinks=False).st_mode):
        raise UnusableError(_("It holds something that does not belong there."))
    there, top = set(os.listdir(path / FILES)), _names_in(path)
    others = (name for name in there - names if not LEFT_BY_DESKTOPS.fullmatch(name))
    foreign = sorted([*(top - PARTS_OF_IT), *(f"{FILES}/{name}" for name in others)])
    if foreign:
        message = _("It holds something that does not belong there: %(name)r")
        raise UnusableError(message % {"name": foreign[0]})
    if names - there or PARTS_OF_IT - top:
        raise UnusableError(_("Something is missing in it."))


def _unpack_database(packed: Path, target: Path, most: int, step: Step) -> Fact:
    with _open(packed) as file:
        counted: Any = Counted(file, step)
        return _copy(Allowance(gzip.GzipFile(fileobj=counted, mode="rb"), most), target)


class _Bringing:
    """The files of a backup on their way: each is read once, and equal ones take room once."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._read: dict[Inode, Fact] = {}  # of the backup
        self._first: dict[Fact, Path] = {}

    def bring(self, source: Path, target: Path, expected: Fact) -> Fact:
        """Bring a file, and return what it is; raises OSError, and UnusableError if it is none."""
        with _open(source) as file:
            inode = inode_of(os.fstat(file.fileno()))
            if not takes_name(self._first.get(expected), target):
                self._read[inode] = _bring(file, source, target, self._step)
                self._first[expected] = target
            elif inode not in self._read:
                self._read[inode] = _fact_of(file, self._step)
        return self._read[inode]


def _bring(file: BinaryIO, source: Path, target: Path, step: Step) -> Fact:
    """Give a file a second name, if it is ours and the disk the same; else copy it."""
    if os.fstat(file.fileno()).st_uid == os.geteuid() and takes_name(source, target):
        return _fact_of(file, step)
    return _copy(Counted(file, step), target)


def _fact_of(file: BinaryIO, step: Step) -> Fact:
    size = os.fstat(file.fileno()).st_size
    return Fact(size, digest(Counted(file, step)))


def _copy(source: Counted | Allowance, target: Path) -> Fact:
    with naming(target), target.open("xb") as new:
        found = digest(source, new)
    return Fact(target.stat().st_size, found)


def _open(path: Path) -> BinaryIO:
    """Open a plain file, whatever else may have been put there."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise UnusableError(_("It holds something that does not belong there."))
    # Should it be exchanged meanwhile, a pipe holds nobody up, and a link leads nowhere.
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _read_manifest(path: Path) -> dict[str, Any]:
    with _open(path / MANIFEST) as file:
        text = file.read(MANIFEST_BYTES + 1)
    if len(text) > MANIFEST_BYTES:
        raise UnusableError(_("It is no backup of this program."))
    return check_manifest(json.loads(text))
