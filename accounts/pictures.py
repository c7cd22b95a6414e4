"""A folder of pictures of a class, each by the user name of the one whom it shows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from webchat.database.steps import Step, quietly

from .models import User
from .names import username_key
from .signals import picture_found

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")
FILES_AT_MOST = 5000  # as many as a list has lines
SHOWN_AT_MOST = 100  # characters of a file's name


class Folder(NamedTuple):
    """The pictures that can be taken, by the keys of their names, and sentences about others."""

    pictures: Mapping[str, Path]
    refusals: Sequence[str]


class Report(NamedTuple):
    """How many have a picture now, or could have, and sentences about the others."""

    given: int
    refusals: Sequence[str]


def look_through(folder: Path) -> Folder:
    """Read the names in a folder, not those in folders within; no link is followed.

    Raises ValidationError("too_long") if there are too many, OSError if it cannot be read.
    """
    found: dict[str, list[Path]] = {}
    others: list[str] = []
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number == FILES_AT_MOST:
                message = _("The folder has more than %(limit)d files.")
                raise ValidationError(message, "too_long", {"limit": FILES_AT_MOST})
            path = Path(entry.path)
            name = Path(_readable(path))
            if name.suffix.lower() in EXTENSIONS and entry.is_file(follow_symlinks=False):
                found.setdefault(username_key(name.stem), []).append(path)
            elif not entry.name.startswith("."):
                others.append(_about(path, _("no picture: JPEG, PNG and WebP are taken")))
    for key in [key for key, paths in found.items() if len(paths) > 1]:
        twice = _("there are several pictures of this name")
        others += [_about(path, twice) for path in found.pop(key)]
    return Folder({key: path for key, [path] in found.items()}, sorted(others))


def hand_out(folder: Folder, people: Mapping[str, User | None], step: Step = quietly) -> Report:
    """Give people their pictures; `people` by key, and None for one that is only tried.

    Those of nobody are named, and those that cannot be read. It may be done again.
    """
    given, refusals = 0, list(folder.refusals)
    for key, path in sorted(folder.pictures.items(), key=lambda item: item[1].name):
        why = _give(people[key], path) if key in people else _("nobody has this user name")
        step(1)
        if why:
            refusals.append(_about(path, why))
        else:
            given += 1
    return Report(given, refusals)


def sum_up(report: Report, *, is_trial: bool) -> str:
    """Say in lines what has become of the pictures, or would."""
    words = _("%(count)d pictures fit. A dry run: nothing was changed.") if is_trial else ""
    words = words or _("%(count)d pictures are in place.")
    return "\n".join([words % {"count": report.given}, *report.refusals])


def _give(user: User | None, picture: Path) -> str:
    answers = picture_found.send(User, user=user, picture=picture)
    return next((why for _receiver, why in answers if why), "")


def _about(path: Path, words: str) -> str:
    return _("%(place)s: %(words)s") % {"place": _readable(path)[:SHOWN_AT_MOST], "words": words}


def _readable(path: Path) -> str:
    """Return the name of a file, which an archive of a Chinese Windows leaves in GBK."""
    name = os.fsencode(path.name)
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("gb18030", "replace")
