"""The making of profile pictures: squares cut out of pictures that people have chosen."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chat.media.orders import Kind, Order
from chat.media.processing import place
from chat.media.workshop import process
from chat.models.files import attachments_folder, new_name, parts_folder


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
