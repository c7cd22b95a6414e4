"""The record of the last nightly run: what the administrator should know of it.

A small file in DATA_DIR, so that it can be written and read although the database is locked,
damaged or of another version.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

FILE_NAME = "nightly.json"
FILE_BYTES = 256 * 1024  # six failures, each character escaped
SENTENCE_LENGTH = 2000  # characters of one failure: doctor's ✗, one below the other
LATE_AFTER = timedelta(hours=48)  # the timer starts it each night
COPY_AT_MOST = timedelta(hours=6)  # TimeoutStartSec of the unit: then a copy is no longer made
OTHER_DISK = "backup --to"


@dataclass(frozen=True, slots=True)
class Nightly:
    """One nightly run: its end, and what failed, in sentences by the name of the command.

    `mailed_at` is when the superusers were last told of failures by mail, `to` the folder on
    another disk into which it also writes backups; `is_unfinished` while it does, and for good
    if it was stopped there.
    """

    at: datetime
    failures: dict[str, str] = field(default_factory=dict)
    mailed_at: datetime | None = None
    to: str = ""
    is_unfinished: bool = False

    @property
    def is_well(self) -> bool:
        """Return whether nothing is known to have failed."""
        return not self.failed

    @property
    def failed(self) -> dict[str, str]:
        """Return what failed, the other disk too if nobody came back from there."""
        if self.is_unfinished and timezone.now() - self.at > COPY_AT_MOST:
            words = _("It did not come to its end. Is the disk still there?")
            return {OTHER_DISK: words} | self.failures
        return self.failures

    @property
    def is_late(self) -> bool:
        """Return whether there should have been another one since."""
        return timezone.now() - self.at > LATE_AFTER


def last_nightly() -> Nightly | None:
    """Return the record of the last run; None if there was none, or its file makes no sense."""
    try:
        with _file().open("rb") as file:
            return _read(json.loads(file.read(FILE_BYTES)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def record(nightly: Nightly) -> None:
    """Put a record in the place of the one before, in one step. Raises OSError."""
    # In ASCII: a folder that was named in GBK has a name that UTF-8 cannot write.
    text = json.dumps(asdict(nightly), indent=1, default=datetime.isoformat)
    part = _file().with_name(f".{FILE_NAME}.part")  # the next one writes over a left one
    try:
        with part.open("w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, _file())
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _read(found: dict[str, Any]) -> Nightly:
    failures = {
        str(name): str(words)[:SENTENCE_LENGTH] for name, words in found["failures"].items()
    }
    mailed_at = found["mailed_at"]
    return Nightly(
        at=_moment(found["at"]),
        failures=failures,
        mailed_at=_moment(mailed_at) if mailed_at else None,
        to=str(found["to"]),
        is_unfinished=found.get("is_unfinished") is True,  # records before this one have none
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if timezone.is_naive(moment):
        raise ValueError(text)
    return moment


def _file() -> Path:
    path: Path = settings.DATA_DIR / FILE_NAME
    return path
