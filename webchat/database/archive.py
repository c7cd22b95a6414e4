"""The reader of backup files: whatever they are, it takes no more than they may hold."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

FORMAT = 1
DATABASE = "db.sqlite3"  # by this name in every backup, whatever that of the server is
MANIFEST = "manifest.json"
FILES = "attachments"
FILE_NAME = re.compile(rf"{FILES}/[A-Za-z0-9][A-Za-z0-9._-]*")
MANIFEST_BYTES = 64 * 1024 * 1024  # half a million files
# A tar adds 512 bytes of header and as many of padding a member, and its own end.
MEMBER_BYTES = 4 * 1024
TAR_BYTES = 64 * 1024
CHUNK = 1024 * 1024
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


def unpack(file: Path, folder: Path) -> None:
    """Unpack a backup into an empty folder; raises UnusableError for anything else.

    Only what its manifest names is written, in the sizes that it says.
    """
    (folder / FILES).mkdir()
    try:
        with gzip.open(file) as unzipped:
            _unpack(_Allowance(unzipped), folder)
    except NONSENSE as error:
        raise UnusableError(_("It is no backup of this program, or damaged.")) from error


class _Allowance:
    """A gzip file, read up to a limit: it may unpack to a thousand times its size."""

    def __init__(self, unzipped: gzip.GzipFile) -> None:
        self._unzipped = unzipped
        self.left = MANIFEST_BYTES + TAR_BYTES

    def read(self, size: int) -> bytes:
        chunk = self._unzipped.read(size)
        self.left -= len(chunk)
        if self.left < 0:
            raise UnusableError(_("It is no backup of this program, or damaged."))
        return chunk


def _unpack(source: _Allowance, folder: Path) -> None:
    # As a stream: without going back and forth in it.
    with tarfile.open(fileobj=source, mode="r|") as tar:  # type: ignore[call-overload]
        wanted: dict[str, Any] = dict(_read_manifest(tar)["files"])
        total = sum(each["bytes"] for each in wanted.values())
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
    if total > shutil.disk_usage(folder).free:
        raise UnusableError(_("There is not enough room on the disk for it."))


def _read_manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    member = tar.next()
    if member is None or member.name != MANIFEST or not 0 < member.size <= MANIFEST_BYTES:
        raise UnusableError(_("It is no backup of this program, or damaged."))
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


def digest(source: BinaryIO, target: BinaryIO | None = None) -> str:
    """Return the SHA-256 of what is read, and copy that to `target`."""
    found = hashlib.sha256()
    with source:
        while chunk := source.read(CHUNK):
            found.update(chunk)
            if target is not None:
                target.write(chunk)
    return found.hexdigest()
