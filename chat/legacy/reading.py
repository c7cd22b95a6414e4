"""The files of the Flask program, as they lie on the disk."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webchat.text import normalize

from .report import Report

NOT_JSON = "cannot be read as JSON, perhaps half-written"


class Tree:
    """A `data/` folder, whose files may be of several versions side by side."""

    def __init__(self, root: Path, report: Report) -> None:
        self.root = root
        self._report = report

    def files(self, folder: str, suffix: str = ".json") -> Iterator[tuple[str, Path]]:
        """The files of a folder, each with the name that it speaks of, in a fixed order."""
        place = self.root / folder
        if not place.is_dir():
            return
        for path in sorted(place.iterdir()):
            if path.suffix == suffix and not path.name.startswith(".") and path.is_file():
                yield fold(path.name[: -len(suffix)]), path

    def has(self, folder: str) -> bool:
        return (self.root / folder).is_dir()

    def label(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def load(self, path: Path, kind: str, expected: type) -> Any:
        """What a file holds; None, and reported under `kind`, where it cannot be used."""
        try:
            content = json.loads(_decode(path.read_bytes()))
        except OSError as error:
            reason = f"cannot be read ({error.strerror})"
        except (ValueError, RecursionError):
            reason = NOT_JSON
        else:
            if isinstance(content, expected):
                return content
            reason = f"holds no JSON {'list' if expected is list else 'object'}"
        self._report.unreadable(kind, self.label(path), reason)
        return None

    def upload(self, url: str) -> Path | None:
        """The file that an address of the old program means, if it is there."""
        name = url.rpartition("/")[2]
        if name in ("", ".", "..") or "\0" in name:
            return None
        for folder in (self.root, self.root.parent):
            path = folder / "uploads" / name
            try:
                # Not what a link in the folder points to.
                if stat.S_ISREG(path.lstat().st_mode):
                    return path
            except (OSError, ValueError):
                continue
        return None


def find_root(path: Path) -> Path | None:
    """The folder with `users/` in it: the one given, or its `data/`."""
    for root in (path, path / "data"):
        if (root / "users").is_dir():
            return root
    return None


def fold(name: str) -> str:
    """A name as it is compared: some systems take file names apart into letters and marks."""
    return normalize("NFC", name)


def splits(stem: str) -> Iterator[tuple[str, str]]:
    """The pairs of names that `a_b_c` may stand for."""
    for place, character in enumerate(stem):
        if character == "_" and 0 < place < len(stem) - 1:
            yield stem[:place], stem[place + 1 :]


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Chinese Windows wrote what the program did not name an encoding for in its own.
        return content.decode("gb18030")
