"""The files of a backup that is being made: each is copied once, and then shared by all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from . import copies
from .archive import Fact, digest, is_file_name
from .folders import FILES
from .steps import Counted, Step, naming

# Days in which each file of a place is read again, some a day: disks forget.
READ_AGAIN_IN = 30


class Shared(NamedTuple):
    """The backup before at the same place, whose files the new one may have, too."""

    folder: Path  # of its files
    facts: dict[str, Fact]
    owner: int  # of all of it


class Gathering:
    """The files of a backup, in a folder of their own; they never change under their names."""

    def __init__(self, folder: Path, before: Shared | None, step: Step) -> None:
        self.facts: dict[str, Fact] = {}
        self.copied: list[Path] = []
        self.lost: list[str] = []  # named by messages, and nowhere
        self.damaged: list[str] = []  # other bytes than those that were sent
        self.rotted: list[str] = []  # other bytes than those of the backup before, copied again
        self.links_refused = False
        self._folder = folder
        self._before = before
        self._step = step
        self._digests: dict[str, str] = {}  # as the database knows them
        self._changed: set[str] = set()  # in the backup before, by its disk

    def gather(self, database: Path) -> None:
        """Copy the database of one moment, and every file that it names.

        Most files come first, since that may take long. A file that is recalled meanwhile may be
        missing: the moment is then a later one, in which no message has it any more.
        """
        self._take(sorted({*names_there(), *self._look()}))
        missing: set[str] = set()
        while True:
            with copies.moment(settings.DATABASE_FILE) as moment:
                self._digests = copies.files_in(moment)
                before, missing = missing, self._take(sorted(self._digests))
                if missing <= before:  # lost, by whatever: no message of theirs was recalled
                    copies.copy_moment(moment, settings.DATABASE_FILE, database)
                    break
        self._leave_recalled()
        self.lost = sorted(missing)
        self.rotted = sorted(self._changed.intersection(self.facts))
        self.damaged = sorted(name for name in self.facts if not self._is_as_sent(name))

    def _look(self) -> dict[str, str]:
        with copies.moment(settings.DATABASE_FILE) as moment:
            self._digests = copies.files_in(moment)
        return self._digests

    def _take(self, names: Iterable[str]) -> set[str]:
        """Bring files in, and return the names of those that are nowhere."""
        return {
            name
            for name in names
            if name not in self.facts and not self._share(name) and not self._copy(name)
        }

    def _share(self, name: str) -> bool:
        """Give a file of the backup before a second name; it takes no room."""
        if self._before is None or self.links_refused or not is_shared(name, self._before):
            return False
        source, fact = self._before.folder / name, self._before.facts[name]
        if self._digests.get(name, "") not in ("", fact.sha256):
            return False
        if _is_due(name) and not self._is_as_written(source, fact):
            self._changed.add(name)
            return False
        try:
            os.link(source, self._folder / name, follow_symlinks=False)
        except FileNotFoundError:  # another backup makes room
            return False
        except OSError:  # a disk without links, or one that takes no more of this file
            self.links_refused = True
            return False
        self.facts[name] = fact
        return True

    def _is_as_written(self, path: Path, fact: Fact) -> bool:
        try:
            return digest(Counted(path.open("rb"), self._step)) == fact.sha256
        except OSError:
            return False

    def _copy(self, name: str) -> bool:
        target = self._folder / name
        try:
            source = (settings.DATA_DIR / FILES / name).open("rb")
        except FileNotFoundError:  # its message has just been deleted
            return False
        with naming(target), target.open("xb") as new:
            found = digest(Counted(source, self._step), new)
        self.copied.append(target)
        self.facts[name] = Fact(target.stat().st_size, found)
        return True

    def _is_as_sent(self, name: str) -> bool:
        return self._digests.get(name, "") in ("", self.facts[name].sha256)

    def _leave_recalled(self) -> None:
        """Delete what was recalled meanwhile: neither the database nor the server has it now."""
        for name in set(self.facts).difference(self._digests):
            if size_there(name) is None:
                (self._folder / name).unlink()
                del self.facts[name]
        self.copied = [path for path in self.copied if path.name in self.facts]


def names_there() -> list[str]:
    """Return the names of the files that the server has."""
    folder = settings.DATA_DIR / FILES
    if not folder.is_dir():
        return []
    return sorted(filter(is_file_name, os.listdir(folder)))


def is_shared(name: str, before: Shared) -> bool:
    """Return whether a file of the backup before can be one of the next, as far as one can see."""
    fact = before.facts.get(name)
    if fact is None:
        return False
    try:
        found = os.stat(f"{before.folder}/{name}", follow_symlinks=False)
    except FileNotFoundError:
        return False
    is_whole = (found.st_size, found.st_uid) == (fact.bytes, before.owner)
    return is_whole and size_there(name) in (None, fact.bytes)


def size_there(name: str) -> int | None:
    """Return the size of a file that the server has, or None."""
    try:
        return os.stat(f"{settings.DATA_DIR}/{FILES}/{name}").st_size
    except FileNotFoundError:
        return None


def _is_due(name: str) -> bool:
    """Return whether a file is one of those that are read again today."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    return (number - timezone.now().toordinal()) % READ_AGAIN_IN == 0
