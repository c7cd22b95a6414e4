"""Reading from a file whose lengths may lie, and copying parts of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from .facts import UnreadableError

PIECE = 64 * 1024
MAX_HELD = 1024 * 1024  # bytes of metadata in memory at a time
MAX_PROFILE = 2 * 1024 * 1024  # bytes of a colour profile, which is copied
MAX_PARTS = 100_000  # of a plan: some 15 MB


class Target(Protocol):
    """A file, or anything else that takes the bytes of a copy in their order."""

    def write(self, data: bytes, /) -> object: ...


class Reader:
    """A position in a file, which never leaves it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.size = source.seek(0, io.SEEK_END)
        self.position = 0

    @property
    def left(self) -> int:
        """The number of bytes up to the end."""
        return self.size - self.position

    def take(self, length: int) -> bytes:
        """Read exactly so many bytes."""
        if length > MAX_HELD:
            raise UnreadableError("too long to be held")
        if not 0 <= length <= self.left:
            raise UnreadableError("ends too early")
        self._source.seek(self.position)
        data = self._source.read(length)
        if len(data) != length:
            raise UnreadableError("ends too early")
        self.position += length
        return data

    def peek(self, length: int) -> bytes:
        """Read up to so many bytes, and stay."""
        position = self.position
        data = self.take(min(length, self.left))
        self.position = position
        return data

    def number(self, length: int) -> int:
        """Read a number of so many bytes, the most significant first."""
        return int.from_bytes(self.take(length))

    def skip(self, length: int) -> None:
        """Go on by so many bytes, which must be there."""
        if not 0 <= length <= self.left:
            raise UnreadableError("ends too early")
        self.position += length

    def pieces(self, length: int) -> Iterator[bytes]:
        """Read so many bytes, piece by piece."""
        if length > self.left:
            raise UnreadableError("ends too early")
        end = self.position + length
        while self.position < end:
            yield self.take(min(PIECE, end - self.position))


class Plan:
    """The parts of a copy, in order: of the source, of our making, and zeros.

    Nothing is written before the whole source has been understood.
    """

    def __init__(self) -> None:
        self._parts: list[bytes | range | int] = []

    @property
    def length(self) -> int:
        """The number of bytes of the copy."""
        return sum(part if isinstance(part, int) else len(part) for part in self._parts)

    def keep(self, start: int, length: int) -> None:
        """Copy a part of the source as it is."""
        if not length:
            return
        last = self._parts[-1] if self._parts else None
        if isinstance(last, range) and last.stop == start:
            self._parts[-1] = range(last.start, start + length)
        else:
            self._add(range(start, start + length))

    def put(self, data: bytes) -> None:
        """Write bytes of our own."""
        self._add(data)

    def zero(self, length: int) -> None:
        """Write so many zeros."""
        self._add(length)

    def join(self, other: Plan) -> None:
        """Add the parts of another plan of the same source."""
        for part in other._parts:
            if isinstance(part, range):
                self.keep(part.start, len(part))
            else:
                self._add(part)

    def _add(self, part: bytes | range | int) -> None:
        if len(self._parts) >= MAX_PARTS:
            raise UnreadableError("too many parts")
        self._parts.append(part)

    def write(self, source: Reader, target: Target) -> None:
        """Write the copy."""
        for part in self._parts:
            if isinstance(part, bytes):
                target.write(part)
            elif isinstance(part, range):
                source.position = part.start
                for piece in source.pieces(len(part)):
                    target.write(piece)
            else:
                for start in range(0, part, PIECE):
                    target.write(bytes(min(PIECE, part - start)))
