"""The headers of a download: the part that is asked for (RFC 9110, 14), and its name (RFC 6266)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

RANGE_LENGTH = 100  # characters, of one range
_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE | re.ASCII)
# What every browser takes as it is; Chrome decodes a “%” there, and Safari keeps a “\”.
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()+,=@~^-]")
_OF_VALUE = "!#$&+^`|"  # RFC 8187: besides those that are never quoted


class Part(NamedTuple):
    """Some of the bytes of a file: the last one is in it."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):  # noqa: N818  (it becomes an answer)
    """The range that was asked for begins behind the end."""


def find_part(asked: str, size: int) -> Part | None:
    """Return the part of a file that a Range header asks for; None for all of it.

    A header that makes no sense, or asks for several ranges, is ignored, as a server may. Raises
    Unsatisfiable.
    """
    found = _RANGE.fullmatch(asked) if len(asked) <= RANGE_LENGTH else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return _ending(int(found[2]), size)
    first = int(found[1])
    last = int(found[2]) if found[2] else size
    if last < first and found[2]:
        return None
    if first >= size:
        raise Unsatisfiable
    return Part(first, min(last, size - 1))


def _ending(length: int, size: int) -> Part:
    if not length or not size:
        raise Unsatisfiable
    return Part(max(size - length, 0), size - 1)


def disposition(name: str, *, is_inline: bool) -> str:
    """Return the Content-Disposition of a file of this name, which holds no control characters."""
    how = "inline" if is_inline else "attachment"
    plain = _NOT_PLAIN.sub("_", name)
    if plain == name:
        return f'{how}; filename="{name}"'
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_OF_VALUE)}"
