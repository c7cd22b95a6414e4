"""Folders on other disks, as for backups: plugged in, mounted, and really on another one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

MOUNTS, PLANNED = Path("/proc/self/mountinfo"), Path("/etc/fstab")
END = "-"  # of the fields of mountinfo that may be missing; the kind of file system follows
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


def file_system_of(folder: Path) -> str:
    """Return the kind of file system of a folder, as the kernel calls it; "" if nobody can tell."""
    rows = [row for row in _rows_of(MOUNTS) if END in row[6:-1]]
    kinds = {Path(_unescaped(row[4])): row[row.index(END, 6) + 1] for row in rows}
    return next((kinds[each] for each in (folder, *folder.parents) if each in kinds), "")


def _unescaped(place: str) -> str:
    """Resolve the octal escapes of a folder in a table of mounts: see proc_pid_mounts(5)."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place)


def _device(path: Path) -> int:
    return path.stat().st_dev


def _place_without_disk(folder: Path) -> Path | None:
    """Return the place on the way to a folder where a disk should be mounted, and none is."""
    mounts = _mounted()
    if not mounts:
        return None  # nobody can tell
    mounted = next(each for each in (folder, *folder.parents) if each in mounts or each.name == "")
    for place in [*_planned(), *map(Path, FOR_DISKS)]:
        if folder.is_relative_to(place) and not mounted.is_relative_to(place):
            return folder if str(place) in FOR_DISKS else place
    return None


@dataclass(frozen=True, slots=True)
class _Mount:
    """A line of mountinfo: a folder of a disk, `root`, that is seen at `place`."""

    number: str
    parent: str  # the number of the mount on which it lies
    disk: str
    root: Path
    place: Path

    def shows_nothing_else_than(self, below: _Mount | None) -> bool:
        """Return whether a folder was mounted onto itself, as a service's ReadWritePaths are."""
        if below is None or below.disk != self.disk or not self.place.is_relative_to(below.place):
            return False
        return self.root == below.root / self.place.relative_to(below.place)


def _mounted() -> set[Path]:
    """Return the folders at which something else is mounted; see proc_pid_mountinfo(5)."""
    rows = [
        _Mount(row[0], row[1], row[2], Path(_unescaped(row[3])), Path(_unescaped(row[4])))
        for row in _rows_of(MOUNTS)
        if len(row) > 4
    ]
    by_number = {each.number: each for each in rows}
    own = [each for each in rows if not each.shows_nothing_else_than(by_number.get(each.parent))]
    return {each.place for each in own}


def _planned() -> set[Path]:
    """Return the folders at which the system should mount a disk; see fstab(5)."""
    places = [row[1] for row in _rows_of(PLANNED) if len(row) > 1 and not row[0].startswith("#")]
    return {Path(_unescaped(place)) for place in places if place.startswith("/")} - {Path("/")}


def _rows_of(table: Path) -> Iterator[list[str]]:
    with suppress(OSError):
        for line in os.fsdecode(table.read_bytes()).splitlines():
            yield line.split()
