"""The files of the Flask program, as they are on the disk."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from webchat.base.text import normalize

from .reasons import NO_LIST, NO_OBJECT, NOT_JSON, unreadable
from .report import Report

FOLDERS = ("users", "friends", "friends_remarks", "requests", "messages", "last_read", "uploads")


class Tree:
    """A `data/` folder, with files of several versions side by side."""

    def __init__(self, root: Path, report: Report) -> None:
        self.root = root
        self._report = report

    def check(self) -> None:
        """Raise ValidationError if one of its folders is a link, wherever that leads."""
        places = [self.root / name for name in FOLDERS] + [self.root.parent / "uploads"]
        for place in places:
            if place.is_symlink():
                message = _(
                    "%(path)s is a link, which an import does not follow. Put the folder itself"
                    " there, and nothing that is not of the old program in it."
                )
                raise ValidationError(message, "link", {"path": place})

    def files(self, folder: str, suffix: str = ".json") -> Iterator[tuple[str, Path]]:
        """Yield the files of a folder, each with the name that it is about, in a fixed order."""
        place = self.root / folder
        if not place.is_dir():
            return
        for path in sorted(place.iterdir()):
            # Links and pipes are reported when they are opened.
            is_folder = path.is_dir() and not path.is_symlink()
            if path.suffix == suffix and not path.name.startswith(".") and not is_folder:
                yield fold(path.name[: -len(suffix)]), path

    def has(self, folder: str) -> bool:
        return (self.root / folder).is_dir()

    def label(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def load(self, path: Path, kind: str, expected: type) -> Any:
        """Load a JSON file; None, and reported under `kind`, if it cannot be used."""
        try:
            content = json.loads(_decode(self.read(path)))
        except OSError as error:
            reason = unreadable(error)
        except (ValueError, RecursionError):
            reason = NOT_JSON
        else:
            if isinstance(content, expected):
                return content
            reason = NO_LIST if expected is list else NO_OBJECT
        self._report.unreadable(kind, self.label(path), reason)
        return None

    def read(self, path: Path) -> bytes:
        with self.open(path) as file:
            return file.read()

    def open(self, path: Path) -> BinaryIO:
        """Open a regular file in one of the folders; raises OSError for anything else.

        It follows no link on the way, even one that was just put there, and waits for no pipe.
        """
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(path.name, flags, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "no regular file")
        return open(path, "rb", opener=lambda *_args: descriptor)  # its errors have this name

    def upload(self, url: str) -> Path | None:
        """Find the file behind an address of the old program, if it exists."""
        name = url.rpartition("/")[2]
        if name in ("", ".", "..") or "\0" in name:
            return None
        for folder in (self.root, self.root.parent):
            path = folder / "uploads" / name
            try:
                # Not the target of a link in the folder.
                if stat.S_ISREG(path.lstat().st_mode):
                    return path
            except (OSError, ValueError):
                continue
        return None


def find_root(path: Path) -> Path | None:
    """Find the folder with `users/` in it: the one given, which may be a link, or its `data/`."""
    path = path.resolve()
    for root in (path, path / "data"):
        if (root / "users").is_dir() and not root.is_symlink():
            return root
    return None


def fold(name: str) -> str:
    """Normalize a name for comparison: some systems store file names decomposed (NFD)."""
    return normalize("NFC", name)


def splits(stem: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names that `a_b_c` may mean."""
    for place, character in enumerate(stem):
        if character == "_" and 0 < place < len(stem) - 1:
            yield stem[:place], stem[place + 1 :]


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Where the program named no encoding, Chinese Windows used its own.
        return content.decode("gb18030")
