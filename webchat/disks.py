"""Folders on other disks, as for backups: plugged in, mounted, and really on another one."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

MOUNTS, PLANNED = Path("/proc/self/mounts"), Path("/etc/fstab")
# Whatever lies in one of these is a disk that somebody has mounted there (FHS 3.0).
FOR_DISKS = ("/mnt", "/media", "/run/media")


class NotMountedError(OSError):
    """A folder whose disk is not there: what is written into it would fill another one."""

    def __init__(self, place: Path) -> None:
        super().__init__(
            _("No disk is mounted at %(path)s. Plug it in, or mount it.") % {"path": place}
        )


def check_other_disk(folder: Path) -> str:
    """Check a folder that should be on a disk of its own; return advice, or "".

    Raises OSError when it is missing or is no folder, and NotMountedError.
    """
    os.scandir(folder).close()
    where = folder.resolve()
    if place := _place_without_disk(where):
        raise NotMountedError(place)
    if _device(where) == _device(settings.DATA_DIR):
        return _(
            "%(path)s is on the same disk as the data: a backup there dies with that disk."
        ) % {"path": folder}
    return ""


def unescaped(place: str) -> str:
    """Resolve the octal escapes of a folder in a table of mounts: see proc_pid_mounts(5)."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place)


def _device(path: Path) -> int:
    return path.stat().st_dev


def _place_without_disk(folder: Path) -> Path | None:
    """Return the place on the way to a folder where a disk should be mounted, and none is."""
    mounts = _places_in(MOUNTS)
    if not mounts:
        return None  # nobody can tell
    mounted = next(each for each in (folder, *folder.parents) if each in mounts or each.name == "")
    for place in [*_places_in(PLANNED), *map(Path, FOR_DISKS)]:
        if folder.is_relative_to(place) and not mounted.is_relative_to(place):
            return folder if str(place) in FOR_DISKS else place
    return None


def _places_in(table: Path) -> set[Path]:
    """Return the folders in the second column of a table of mounts, as of fstab(5)."""
    with suppress(OSError):
        rows = [line.split() for line in os.fsdecode(table.read_bytes()).splitlines()]
        columns = [row[1] for row in rows if len(row) > 1 and not row[0].startswith("#")]
        return {Path(unescaped(place)) for place in columns if place.startswith("/")} - {Path("/")}
    return set()
