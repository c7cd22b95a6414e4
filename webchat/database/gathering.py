"""The files of a backup that is being made: each is copied once, and then shared by all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.conf import settings
from django.utils import timezone

from . import copies
from .archive import Fact, Inode, digest, inode_of, is_file_name
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
        # Files that the server has under several names, as forwarded ones, are copied once.
        self._first: dict[Inode, str] = {}
        self._read: dict[Inode, str] = {}  # SHA-256 of files of the backup before

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
        new = [name for name in names if name not in self.facts]
        # Those that are read first: what they find out is true of their other names, too.
        new.sort(key=lambda name: not _is_due(name))
        left = [name for name in new if not self._share(name)]
        return {name for name in left if not self._copy(name)}

    def _share(self, name: str) -> bool:
        """Give a file of the backup before a second name; it takes no room."""
        if self._before is None or self.links_refused or not is_shared(name, self._before):
            return False
        source, fact = self._before.folder / name, self._before.facts[name]
        if self._digests.get(name, "") not in ("", fact.sha256):
            return False
        if self._has_rotted(name, source, fact):
            self._changed.add(name)
            return False
        if not self._link(source, name):
            return False
        self.facts[name] = fact
        if (found := stat_there(name)) and found.st_nlink > 1:
            self._first.setdefault(inode_of(found), name)
        return True

    def _has_rotted(self, name: str, path: Path, fact: Fact) -> bool:
        """Return whether a file, if it is due or was read under another name, has other bytes."""
        try:
            inode = inode_of(path.stat())
        except FileNotFoundError:  # another backup makes room
            return False
        if _is_due(name) and inode not in self._read:
            self._read[inode] = self._digest_of(path)
        return self._read.get(inode, fact.sha256) != fact.sha256

    def _digest_of(self, path: Path) -> str:
        try:
            return digest(Counted(path.open("rb"), self._step))
        except OSError:
            return ""

    def _link(self, source: Path, name: str) -> bool:
        """Give a file its name in this backup as a further one, where the disk takes that."""
        if self.links_refused:
            return False
        try:
            os.link(source, self._folder / name, follow_symlinks=False)
        except FileNotFoundError:  # another backup makes room
            return False
        except OSError as error:  # a disk without links, or one that takes no more of this file
            is_full = error.errno == errno.EMLINK and source.stat().st_nlink > 1
            self.links_refused = not is_full
            return False
        return True

    def _copy(self, name: str) -> bool:
        target = self._folder / name
        try:
            source = (settings.DATA_DIR / FILES / name).open("rb")
        except FileNotFoundError:  # its message has just been deleted
            return False
        with source:
            if not self._copy_again(name, source):
                with naming(target), target.open("xb") as new:
                    found = digest(Counted(source, self._step), new)
                self.facts[name] = Fact(target.stat().st_size, found)
        self.copied.append(target)
        return True

    def _copy_again(self, name: str, source: BinaryIO) -> bool:
        """Give the copy of a file a second name, if it was taken under another one.

        That is known only while both are there: a number that is free is given to another file.
        """
        found = os.fstat(source.fileno())
        first = self._first.get(inode_of(found))
        there = stat_there(first) if first else None
        if first and there and os.path.samestat(there, found):
            fact = self.facts[first]
            is_known = self._digests.get(name, "") in ("", fact.sha256)
            if is_known and self._link(self._folder / first, name):
                self.facts[name] = fact
                return True
        self._first[inode_of(found)] = name
        return False

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
    found = stat_there(name)
    return None if found is None else found.st_size


def stat_there(name: str) -> os.stat_result | None:
    """Return what the disk says of a file that the server has, or None."""
    try:
        return os.stat(f"{settings.DATA_DIR}/{FILES}/{name}")
    except FileNotFoundError:
        return None


def _is_due(name: str) -> bool:
    """Return whether a file is one of those that are read again today."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    return (number - timezone.now().toordinal()) % READ_AGAIN_IN == 0
