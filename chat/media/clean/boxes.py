"""The boxes of MP4 and QuickTime, and changes that move none of them (ISO 14496-12, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .facts import UnreadableError
from .reading import MAX_PARTS, Plan, Reader

MAX_BOXES = 100_000  # an hour in fragments of a second has 30,000
ROOM = {b"free", b"skip", b"wide"}  # without content


class Box(NamedTuple):
    """A box, by its places in the file."""

    name: bytes
    start: int
    body: int
    end: int


class Boxes:
    """The boxes of a file, which are counted."""

    def __init__(self, file: Reader) -> None:
        self.file = file
        self._count = 0

    def within(self, start: int, end: int) -> Iterator[Box]:
        """Find the boxes between two places."""
        while start < end:
            self.file.position = start
            if end - start < 8:
                if any(self.file.take(end - start)):
                    raise UnreadableError("less than a box")
                return
            box = self._box(start, end)
            start = box.end
            yield box

    def _box(self, start: int, end: int) -> Box:
        self._count += 1
        if self._count > MAX_BOXES:
            raise UnreadableError("too many boxes")
        size, name = self.file.number(4), self.file.take(4)
        if size == 1:
            size = self.file.number(8)
        elif size == 0 and end == self.file.size:
            size = end - start
        body = self.file.position
        if not body <= start + size <= end:
            raise UnreadableError("a box beyond the end, or smaller than its head")
        return Box(name, start, body, start + size)

    def find(self, box: Box, *names: bytes) -> Box | None:
        """Find the first box under that path."""
        for name in names:
            for child in self.within(box.body, box.end):
                if child.name == name:
                    box = child
                    break
            else:
                return None
        return box

    def need(self, box: Box, *names: bytes) -> Box:
        """Find a box that must be there."""
        if found := self.find(box, *names):
            return found
        raise UnreadableError("a box is missing")

    def content(self, box: Box, most: int) -> bytes:
        """Read the content of a box, or its beginning."""
        self.file.position = box.body
        return self.file.take(min(box.end - box.body, most))


class Changes:
    """The differences in the copy of a file, in which everything keeps its place."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, int, bytes]] = []

    def blank(self, start: int, end: int) -> None:
        """Write zeros over a part."""
        if start < end:
            self._add(start, end, b"")

    def replace(self, start: int, data: bytes) -> None:
        """Write other bytes over as many."""
        self._add(start, start + len(data), data)

    def hide(self, box: Box) -> None:
        """Make a box mere room: players pass over it (8.1.2)."""
        if box.name not in ROOM:
            self.replace(box.start + 4, b"free")
        self.blank(box.body, box.end)

    def _add(self, start: int, end: int, data: bytes) -> None:
        if len(self._changes) >= MAX_PARTS // 2:
            raise UnreadableError("too many parts")
        self._changes.append((start, end, data))

    def plan(self, size: int) -> Plan:
        """Plan the copy of a file of so many bytes."""
        plan = Plan()
        position = 0
        for start, end, data in sorted(self._changes):
            if start > position:
                plan.keep(position, start - position)
                position = start
            if end > position:
                plan.put(data) if data else plan.zero(end - position)
                position = end
        plan.keep(position, size - position)
        return plan
