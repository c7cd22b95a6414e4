"""The reader of backup files: whatever they are, it takes no more than they may hold."""

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
from typing import Any, BinaryIO

from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from .sizes import size
from .steps import Counted, Step, naming, quietly

FORMAT = 1
DATABASE = "db.sqlite3"  # by this name in every backup, whatever that of the server is
MANIFEST = "manifest.json"
FILES = "attachments"
PREVIEWS = "previews"  # of pictures: in no backup, as they can be made again
PARTS = "uploads"  # of files that are on their way: in no backup, as nobody was promised them
FILE_NAME = re.compile(rf"{FILES}/[A-Za-z0-9][A-Za-z0-9._-]*")
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
        source = _Allowance(gzip.GzipFile(fileobj=counted, mode="rb"))
        try:
            _unpack(source, folder)
        except NONSENSE as error:
            if isinstance(error, OSError) and (error.errno or isinstance(error, NoRoomError)):
                raise  # of the machine: what is no gzip has no number
            raise UnusableError(_explain(error, is_ours=source.is_ours)) from error


def _explain(error: Exception, *, is_ours: bool) -> str:
    if isinstance(error, EOFError) or str(error) in CUT_OFF:
        return _("It ends too early: it was not copied, or not written, to its end.")
    if is_ours or isinstance(error, zlib.error):
        return _("It is damaged: its bytes are not as they were written.")
    return _("It is no backup of this program.")


class _Allowance:
    """A gzip file, read up to a limit: it may unpack to a thousand times its size."""

    def __init__(self, unzipped: gzip.GzipFile) -> None:
        self._unzipped = unzipped
        self.left = MANIFEST_BYTES + TAR_BYTES
        self.is_ours = False  # until its manifest says so

    def read(self, size: int) -> bytes:
        chunk = self._unzipped.read(size)
        self.left -= len(chunk)
        if self.left < 0:
            raise UnusableError(_("It holds more than it says."))
        return chunk


def _unpack(source: _Allowance, folder: Path) -> None:
    # As a stream: without going back and forth in it.
    with tarfile.open(fileobj=source, mode="r|") as tar:  # type: ignore[call-overload]
        wanted: dict[str, Any] = dict(_read_manifest(tar)["files"])
        total = sum(each["bytes"] for each in wanted.values())
        source.is_ours = True
        _check_room(total, folder)
        source.left = total + len(wanted) * MEMBER_BYTES + TAR_BYTES
        for position, member in enumerate(tar):
            if position == 0:
                continue  # the manifest
            if member.name not in wanted or not member.isfile():
                raise UnusableError(_("It holds something that does not belong there."))
            _unpack_member(tar, member, wanted.pop(member.name), folder / member.name)
    if wanted:
        raise UnusableError(_("Something is missing in it."))


def _unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, expected: Mapping[str, Any], path: Path
) -> None:
    source = tar.extractfile(member)
    with path.open("wb") as target:
        found = digest(source, target)  # type: ignore[arg-type]
    if member.size != expected["bytes"] or found != expected["sha256"]:
        raise UnusableError(_("A checksum is wrong: the file is damaged."))


def _check_room(total: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if total > free:
        raise NoRoomError(folder.parent, total, free)


def _read_manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    member = tar.next()
    if member is None or member.name != MANIFEST or not 0 < member.size <= MANIFEST_BYTES:
        raise UnusableError(_("It is no backup of this program."))
    manifest: dict[str, Any] = json.loads(tar.extractfile(member).read())  # type: ignore[union-attr]
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
    return manifest


def digest(source: BinaryIO | Counted, target: BinaryIO | None = None) -> str:
    """Return the SHA-256 of what is read, and copy that to `target`."""
    found = hashlib.sha256()
    with source:
        while chunk := source.read(CHUNK):
            found.update(chunk)
            if target is not None:
                target.write(chunk)
    return found.hexdigest()
