"""The making of profile pictures: squares cut out of pictures that people have chosen."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chat.media.orders import Kind, Order
from chat.media.processing import place
from chat.media.workshop import process
from chat.models.files import attachments_folder, new_name, parts_folder

BYTES_AT_MOST = 32 * 1024**2  # of a file that the maintainer has: a photo of a camera has some ten


@contextmanager
def taken(picture: Path) -> Iterator[Path]:
    """Hold a copy of a file that is not ours, among the parts; no link is followed.

    Raises ValidationError("invalid") for what is no file or too large, OSError.
    """
    parts_folder().mkdir(mode=0o700, exist_ok=True)
    copy = parts_folder() / new_name()
    # Of a pipe, reading would wait for ever.
    source = os.open(picture, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        with os.fdopen(source, "rb") as file, copy.open("xb") as target:
            found = os.fstat(source)
            if not stat.S_ISREG(found.st_mode) or found.st_size > BYTES_AT_MOST:
                raise ValidationError(_("It is no file, or larger than 32 MB."), "invalid")
            shutil.copyfileobj(file, target)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def written(content: bytes) -> Iterator[Path]:
    """Hold bytes as a file among the parts."""
    parts_folder().mkdir(mode=0o700, exist_ok=True)
    copy = parts_folder() / new_name()
    try:
        copy.write_bytes(content)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def make(source: Path) -> str:
    """Cut a picture to a face, and return its name in the folder of files, where it is synced.

    Raises ValidationError("invalid") if it cannot be read as a picture; UnavailableError and
    OSError as `workshop.process` does. Nothing is left then, and the source stays as it was.
    """
    name = new_name()
    parts_folder().mkdir(mode=0o700, exist_ok=True)
    made = parts_folder() / name
    try:
        done = process(Order(kind=Kind.FACE, source=str(source), target=str(made)))
        if done.kind is not Kind.FACE:
            message = _("This picture cannot be read. Please choose another one.")
            raise ValidationError(message, "invalid")
        place(str(made), attachments_folder() / name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(made)
    return name
