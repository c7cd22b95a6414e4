"""The columns of a file of a message, sent or not yet, and its names in the folders."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction

from webchat.database.folders import FILES, PARTS, PREVIEWS, sync_folder

from .rows import PICTURES

UNKNOWN = "application/octet-stream"
MOST_SECONDS = 7 * 24 * 3600  # no file plays longer: what says so lies
# Of a disk without links, or with as many names of a file as it takes.
NO_LINK = (errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV)

logger = logging.getLogger(__name__)


class MediaKind(models.TextChoices):
    """How a file is shown: as a picture, with controls to play it, as a bubble with a voice."""

    PICTURE = "picture"
    VIDEO = "video"
    VOICE = "voice"
    FILE = "file"


class Content(models.Model):
    """The columns of a stored file, which its processing has found out."""

    # Our own names for it and its preview in their folders; without a preview, none.
    file = models.CharField(max_length=48, db_default="")
    preview = models.CharField(max_length=48, blank=True, db_default="")
    # An inline type only if the bytes are of it.
    mimetype = models.CharField(max_length=127, default=UNKNOWN)
    kind = models.CharField(max_length=8, choices=MediaKind, db_default=MediaKind.FILE)
    # None of one that an earlier release imported, until somebody has looked.
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, db_default="")
    # As shown, in pixels.
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    duration = models.FloatField(null=True)  # seconds

    class Meta:
        abstract = True
        constraints = [
            # A page cannot be read with an infinite number in it, nor show one of 300 digits.
            models.CheckConstraint(
                condition=models.Q(duration__gte=0, duration__lte=MOST_SECONDS),
                name="%(app_label)s_%(class)s_duration",
            ),
        ]

    @property
    def path(self) -> Path:
        return attachments_folder() / self.file

    @property
    def preview_path(self) -> Path | None:
        return previews_folder() / self.preview if self.preview else None

    @property
    def is_picture(self) -> bool:
        return self.mimetype in PICTURES


CONTENT = tuple(field.name for field in Content._meta.local_fields)


def new_name() -> str:
    """Return a name for a file that nobody can guess, which says nothing of its content."""
    return secrets.token_hex(16)


def link_again(path: Path, *, copied_at_most: int | None = None) -> str:
    """Give a file a second name beside it, and return that; both take the room of one.

    Where the disk refuses, it is copied and synced. Raises OSError: FileNotFoundError if the file
    is lost, EFBIG if the copy would be of more bytes.
    """
    name = new_name() + path.suffix
    target = path.with_name(name)
    os.utime(path)  # before it is committed, a name without a row must not look old
    try:
        os.link(path, target)
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        _copy(path, target, copied_at_most)
    return name


def _copy(path: Path, target: Path, at_most: int | None) -> None:
    size = path.stat().st_size
    if at_most is not None and size > at_most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    if shutil.disk_usage(path.parent).free - size < settings.MIN_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
    try:
        shutil.copy(path, target)
        with target.open("rb") as copy:
            os.fsync(copy.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def links_of(content: Content, *, copied_at_most: int | None = None) -> dict[str, Any]:
    """Give a file and its preview second names; return the columns of a row that has those.

    Raises OSError as `link_again` does; what was linked until then is an orphan, and swept. A
    lost preview is left out; that of a message is made again when somebody looks for such ones.
    """
    columns = {name: getattr(content, name) for name in CONTENT}
    columns["file"] = link_again(content.path, copied_at_most=copied_at_most)
    if content.preview_path:
        try:
            columns["preview"] = link_again(content.preview_path)
        except FileNotFoundError:
            columns["preview"] = ""
    return columns


def remove_after_commit(path: Path) -> None:
    """Delete a file when the transaction is committed.

    One that the disk does not let go keeps no other: it goes with the orphans.
    """

    def remove() -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            logger.error("A file could not be deleted: %s", error)

    transaction.on_commit(remove)


def sync_names() -> None:
    """Sync the names of files and previews, so that a power cut leaves none that was promised."""
    sync_folder(attachments_folder())
    if previews_folder().is_dir():
        sync_folder(previews_folder())


def attachments_folder() -> Path:
    return _folder(FILES)


def previews_folder() -> Path:
    return _folder(PREVIEWS)


def parts_folder() -> Path:
    return _folder(PARTS)


def _folder(name: str) -> Path:
    folder: Path = settings.DATA_DIR / name
    return folder
