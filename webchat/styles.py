"""Join the style sheets of the pages, so that a browser asks once instead of fourteen times."""

from __future__ import annotations

import re
from collections.abc import Callable
from posixpath import dirname, join

IMPORT = re.compile(r'^@import "(?P<name>[\w-]+\.css)";\n', re.MULTILINE)
# What only readers of the source need.
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
BLANK = re.compile(r"^\s+", re.MULTILINE)


class Styles:
    """The sheets that one sheet imports, all from its own folder, as one sheet."""

    def __init__(self, read: Callable[[str], str]) -> None:
        """Make one of sheets whose text `read` gives, by their names below the static files."""
        self._read = read
        self.names: set[str] = set()

    def join(self, entry: str) -> str:
        """Return the text. Raise ValueError for another form of import."""
        self.names.add(entry)
        sheet = IMPORT.sub(
            lambda found: self.join(join(dirname(entry), found["name"])), self._read(entry)
        )
        sheet = BLANK.sub("", COMMENT.sub("", sheet))
        if "@import" in sheet:
            raise ValueError(f"{entry} has an @import that cannot be joined.")
        return sheet
