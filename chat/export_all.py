"""The export of everybody into a folder: a zip for each person, whole or not there, and a list."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import User, UserQuerySet
from webchat.base.tables import BYTE_ORDER_MARK, harmless
from webchat.base.times import minute, minute_with_zone
from webchat.database.steps import Step, quietly

from .export import file_name, write_zip

LIST = "contents.csv"
README = "README.txt"
COLUMNS = (
    gettext_lazy("File"),
    gettext_lazy("User name"),
    gettext_lazy("Bytes"),
    gettext_lazy("Written at"),
)
PART = ".part"  # the zip under way
OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Written:
    """The zip of one person."""

    path: Path
    size: int  # bytes


def everybody() -> UserQuerySet:
    """Return those who may have chats: all but newcomers who are not verified."""
    return User.objects.filter(unverified_since=None)


def begin(folder: Path, *, goes_on: bool) -> set[str]:
    """Make the folder ready, and return the names of the zips that an earlier run has completed.

    Raises ValidationError if it holds anything else, OSError if it cannot be written to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if goes_on and (folder / LIST).is_file():
        for part in folder.glob(f"*.zip{PART}"):  # of a run that was killed
            part.unlink(missing_ok=True)
        return _listed(folder)
    if (folder / LIST).is_file():
        message = _("%(path)s holds an earlier export. To go on with it: --resume")
        raise ValidationError(message % {"path": folder})
    if any(folder.iterdir()):
        message = _("%(path)s is not empty. Please name a new folder.")
        raise ValidationError(message % {"path": folder})
    with suppress(PermissionError):  # somebody else's folder, or a disk that knows no owners
        folder.chmod(0o700)
    with _private(folder / LIST) as file:
        file.write(BYTE_ORDER_MARK)
        csv.writer(file).writerow(map(str, COLUMNS))
    with _private(folder / README) as file:
        file.write(_about())
    return set()


def write_all(folder: Path, done: set[str], step: Step = quietly) -> Iterator[Written | None]:
    """Write a zip for each person, and yield it once it is on the disk and in the list.

    None for one who is in `done`, or gone meanwhile. Of any zip only a piece is in memory; `step`
    hears of each piece as of nothing, and of each person.
    """
    # By number: a query open for hours would keep the log of the database from being cut.
    for pk in list(everybody().order_by("username_key").values_list("pk", flat=True)):
        user = everybody().filter(pk=pk).first()
        name = f"{file_name(user.username)}.zip" if user else ""
        yield _write(folder, name, user, step) if user and name not in done else None
        step(1)


def is_open_to_others(folder: Path) -> bool:
    """Return whether the file system does not keep others out, as that of a USB stick may."""
    return bool(folder.stat().st_mode & OPEN_TO_OTHERS)


def _write(folder: Path, name: str, user: User, step: Step) -> Written:
    part, path = folder / f"{name}{PART}", folder / name
    try:
        with open(_new(part), "wb") as file:
            for piece in write_zip(user, get_language()):
                file.write(piece)
                step(0)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        written = Written(path, path.stat().st_size)
        _note(folder, user, written)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names no file
        raise
    finally:
        part.unlink(missing_ok=True)
    return written


def _note(folder: Path, user: User, written: Written) -> None:
    row = (written.path.name, user.username, written.size, minute(timezone.now()))
    with (folder / LIST).open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow([harmless(str(cell)) for cell in row])
        file.flush()
        os.fsync(file.fileno())


def _listed(folder: Path) -> set[str]:
    """Read the list; a file that is not there any more is none, nor is half a line of a kill."""
    path = folder / LIST
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        content = file.read()
    if not content.endswith("\n"):
        with path.open("a") as file:
            file.write("\n")
    rows = csv.reader(content.splitlines())
    names = {row[0].removeprefix("'") for row in rows if len(row) == len(COLUMNS)}
    return {name for name in names if (folder / name).is_file()}


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _private(path: Path) -> IO[str]:
    return open(_new(path), "w", encoding="utf-8", newline="")


def _about() -> str:
    return _(
        "Everybody's chats of this site, begun on %(time)s: all their messages and"
        " files, readable by anybody who has this folder. Keep it where only you can read it, and"
        " destroy it when it has served its purpose.\n\n"
        "Each zip holds what one person can see: open index.html in a browser; the .txt files are"
        " for other programs. The zips that are complete are listed in %(list)s.\n"
    ) % {"time": minute_with_zone(timezone.now()), "list": LIST}
