"""The folders elsewhere into which backups were written: each may hold everything.

A small file in DATA_DIR beside the record of the nightly run, which knows only its own folder.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

FILE_NAME = "backup-places.json"
PLACES_AT_MOST = 20  # the latest: sticks that take turns, and some that were tried
PATH_LENGTH = 4096  # bytes, of Linux (PATH_MAX)
FILE_BYTES = PLACES_AT_MOST * (6 * PATH_LENGTH + 100)  # each escaped, and a time
AGE_AT_MOST = timedelta(days=31)  # of the newest: a stick is brought along once a month, say

Places = dict[Path, datetime | None]  # when a backup was last complete there; None for never


def known_places() -> Places:
    """Return the folders, the latest last; none if there is no record, or it makes no sense."""
    try:
        with _file().open("rb") as file:
            found = json.loads(file.read(FILE_BYTES))
        return {Path(place): _moment(text) for place, text in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def note_place(folder: Path, *, is_complete: bool) -> None:
    """Remember a folder outside of DATA_DIR, and when a backup is complete there. Raises OSError.

    No disk is asked: one of the network that is gone would never answer.
    """
    place = folder.absolute()
    if place.is_relative_to(settings.DATA_DIR):
        return
    places = known_places()
    moment = timezone.now() if is_complete else places.get(place)
    places = {each: at for each, at in places.items() if each != place} | {place: moment}
    _write(dict(list(places.items())[-PLACES_AT_MOST:]))


def last_elsewhere() -> datetime | None:
    """Return when a backup was last complete on another disk, or None for never."""
    return max(filter(None, known_places().values()), default=None)


def _write(places: Places) -> None:
    facts = {str(place): at and at.isoformat() for place, at in places.items()}
    part = _file().with_name(f".{FILE_NAME}-{os.getpid()}")
    try:
        # In ASCII: a folder that was named in GBK has a name that UTF-8 cannot write.
        part.write_text(json.dumps(facts, indent=1), encoding="ascii")
        os.replace(part, _file())
    finally:
        part.unlink(missing_ok=True)


def _moment(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and timezone.is_naive(moment):
        raise ValueError(text)
    return moment


def _file() -> Path:
    path: Path = settings.DATA_DIR / FILE_NAME
    return path
