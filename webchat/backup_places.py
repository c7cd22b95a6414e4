"""The folders elsewhere into which backups were written: each may hold everything.

A small file in DATA_DIR beside the record of the nightly run, which knows only its own folder.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.conf import settings

FILE_NAME = "backup-places.json"
PLACES_AT_MOST = 20  # the latest: sticks that take turns, and some that were tried
PATH_LENGTH = 4096  # bytes, of Linux (PATH_MAX)
FILE_BYTES = PLACES_AT_MOST * 6 * PATH_LENGTH  # each escaped


def known_places() -> list[Path]:
    """Return the folders, the latest last; none if there is no record, or it makes no sense."""
    try:
        with _file().open("rb") as file:
            found = json.loads(file.read(FILE_BYTES))
        return [Path(each) for each in found if isinstance(each, str)][-PLACES_AT_MOST:]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def note_place(folder: Path) -> None:
    """Remember a folder outside of DATA_DIR. Raises OSError."""
    place = folder.absolute()
    if place.is_relative_to(settings.DATA_DIR):
        return
    places = [each for each in known_places() if each != place]
    text = json.dumps([*map(str, places), str(place)][-PLACES_AT_MOST:], indent=1)  # in ASCII
    part = _file().with_name(f".{FILE_NAME}-{os.getpid()}")
    try:
        part.write_text(text, encoding="ascii")
        os.replace(part, _file())
    finally:
        part.unlink(missing_ok=True)


def _file() -> Path:
    path: Path = settings.DATA_DIR / FILE_NAME
    return path
