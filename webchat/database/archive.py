"""The reader of backups in one file: whatever they are, it takes no more than they may hold."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from .folders import FILES
from .sizes import size
from .steps import Counted, Step, naming, quietly

FORMAT = 1
DATABASE = "db.sqlite3"  # by this name in every backup, whatever that of the server is
PACKED = f"{DATABASE}.gz"  # and by this one in a backup that is a folder
MANIFEST = "manifest.json"
FILE_NAME = re.compile(rf"{FILES}/[A-Za-z0-9][A-Za-z0-9._-]*")
# Desktops leave these in any folder that they show; no file of ours is ever called so.
LEFT_BY_DESKTOPS = re.compile(r"\._[^/]*|\.DS_Store|(?i:Thumbs\.db|desktop\.ini)")
MANIFEST_BYTES = 64 * 1024 * 1024  # half a million files
# A tar adds 512 bytes of header and as many of padding a member, and its own end.
MEMBER_BYTES = 4 * 1024
TAR_BYTES = 64 * 1024
CHUNK = 1024 * 1024
# In the words of `tarfile`: the file is empty, or ends within a member.
CUT_OFF = ("empty file", "unexpected end of data")
# Raised by a file that is anything but a backup.
NONSENSE = (
    tarfile.TarError,
    zlib.error,
    OSError,
    EOFError,
    RecursionError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


Inode = tuple[int, int]  # a file on this machine, whatever its names


class Fact(NamedTuple):
    """What a manifest says of a file."""

    bytes: int
    sha256: str


class UnusableError(Exception):
    """The reason that a file cannot be restored, in a sentence."""


class NoRoomError(OSError):
    """Too little room on the disk of a folder, found out before anything was written there."""

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        super().__init__(
            _("It needs %(needed)s on the disk of %(path)s, where %(free)s are free.")
            % {"needed": size(needed), "free": size(free), "path": folder}
        )


def copy_file(source: Path, target: Path) -> None:
    """Copy a file onto the disk of another. Raises OSError, by the file whose disk it is."""
    with naming(target), target.open("xb") as new:
        with Counted(source.open("rb"), quietly) as old:
            shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())


def unpack(file: Path, folder: Path, step: Step = quietly) -> None:
    """Unpack a backup into an empty folder; raises UnusableError for anything else.

    Only what its manifest names is written, in the sizes that it says. OSError means that the
    file cannot be read, or the folder not be written to.
    """
    (folder / FILES).mkdir()
    with file.open("rb") as packed:
        counted: Any = Counted(packed, step)
        source = Allowance(gzip.GzipFile(fileobj=counted, mode="rb"), MANIFEST_BYTES + TAR_BYTES)
        try:
            _unpack(source, folder)
        except NONSENSE as error:
            if isinstance(error, OSError) and (error.errno or isinstance(error, NoRoomError)):
                raise  # of the machine: what is no gzip has no number
            raise UnusableError(explain(error, is_ours=source.is_ours)) from error


def explain(error: Exception, *, is_ours: bool) -> str:
    """Say in a sentence what is wrong with a backup that failed with one of NONSENSE."""
    if isinstance(error, EOFError) or str(error) in CUT_OFF:
        return _("It ends too early: it was not copied, or not written, to its end.")
    if is_ours or isinstance(error, zlib.error):
        return _("It is damaged: its bytes are not as they were written.")
    return _("It is no backup of this program.")


class Allowance:
    """A gzip file, read up to a limit: it may unpack to a thousand times its size."""

    def __init__(self, unzipped: gzip.GzipFile, most: int) -> None:
        self._unzipped = unzipped
        self.left = most
        self.is_ours = False  # until its manifest says so

    def read(self, size: int = -1) -> bytes:
        chunk = self._unzipped.read(size)
        self.left -= len(chunk)
        if self.left < 0:
            raise UnusableError(_("It holds more than it says."))
        return chunk

    def __enter__(self) -> Allowance:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._unzipped.close()


def _unpack(source: Allowance, folder: Path) -> None:
    # As a stream: without going back and forth in it.
    with tarfile.open(fileobj=source, mode="r|") as tar:  # type: ignore[call-overload]
        wanted: dict[str, Any] = dict(_read_manifest(tar)["files"])
        total = sum(each["bytes"] for each in wanted.values())
        first: dict[Fact, Path] = {}
        source.is_ours = True
        check_room(bytes_of_contents(wanted), folder)
        source.left = total + len(wanted) * MEMBER_BYTES + TAR_BYTES
        for position, member in enumerate(tar):
            if position == 0:
                continue  # the manifest
            if member.name not in wanted or not member.isfile():
                raise UnusableError(_("It holds something that does not belong there."))
            facts = wanted.pop(member.name)
            expected = Fact(facts["bytes"], facts["sha256"])
            # The database shares nothing: a restore changes it.
            others = {} if member.name == DATABASE else first
            _unpack_member(tar, member, expected, folder / member.name, others)
    if wanted:
        raise UnusableError(_("Something is missing in it."))


def _unpack_member(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    expected: Fact,
    path: Path,
    first: dict[Fact, Path],
) -> None:
    source: Any = tar.extractfile(member)
    if takes_name(first.get(expected), path):
        found = digest(source)
    else:
        with path.open("wb") as target:
            found = digest(source, target)
        first[expected] = path
    if (member.size, found) != expected:
        raise UnusableError(_("A checksum is wrong: the file is damaged."))


def takes_name(first: Path | None, path: Path) -> bool:
    """Give what was brought already another name; False if there is nothing, or no more names."""
    if first is None:
        return False
    try:
        os.link(first, path, follow_symlinks=False)
    except OSError:
        return False
    return True


def bytes_of_contents(files: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the room for the files of a manifest: equal ones are one, with several names."""
    return sum(
        size for size, _sha256 in {(each["bytes"], each["sha256"]) for each in files.values()}
    )


def inode_of(found: os.stat_result) -> Inode:
    return found.st_dev, found.st_ino


def check_room(total: int, folder: Path) -> None:
    """Raise NoRoomError if the disk of a work folder has less."""
    free = shutil.disk_usage(folder).free
    if total > free:
        raise NoRoomError(folder.parent, total, free)


def _read_manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    member = tar.next()
    if member is None or member.name != MANIFEST or not 0 < member.size <= MANIFEST_BYTES:
        raise UnusableError(_("It is no backup of this program."))
    return check_manifest(json.loads(tar.extractfile(member).read()))  # type: ignore[union-attr]


def check_manifest(manifest: Any) -> dict[str, Any]:
    """Return a manifest that is of this program and this version, or raise one of NONSENSE."""
    if manifest["application"] != "webchat":
        raise UnusableError(_("It is the backup of another program."))
    known = set(MigrationLoader(None).disk_migrations)
    needed = {(app, name) for app, name in manifest["migrations"]}
    if manifest["format"] > FORMAT or needed - known:
        raise UnusableError(_("It comes from a newer version: upgrade the program first."))
    for name, facts in manifest["files"].items():
        if name != DATABASE and not FILE_NAME.fullmatch(name):
            raise UnusableError(_("It holds something that does not belong there."))
        if not isinstance(facts["bytes"], int) or facts["bytes"] < 0:
            raise ValueError(name)
    if DATABASE not in manifest["files"]:
        raise UnusableError(_("Something is missing in it."))
    return dict(manifest)


def is_file_name(name: str) -> bool:
    """Return whether this may be the name of a file of a message."""
    return FILE_NAME.fullmatch(f"{FILES}/{name}") is not None


def digest(source: BinaryIO | Counted | Allowance, target: BinaryIO | None = None) -> str:
    """Return the SHA-256 of what is read, and copy that to `target`."""
    found = hashlib.sha256()
    with source:
        while chunk := source.read(CHUNK):
            found.update(chunk)
            if target is not None:
                target.write(chunk)
    return found.hexdigest()
