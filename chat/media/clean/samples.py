"""Where the samples of a track lie in the file (ISO 14496-12, 8.7)."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from .boxes import Box, Boxes
from .facts import UnreadableError


def chunks(boxes: Boxes, table: Box) -> Iterator[range]:
    """Find the chunks of a track by the boxes of its sample table."""
    runs = _runs(boxes, boxes.need(table, b"stsc"))
    same, sizes = _sizes(boxes, boxes.need(table, b"stsz"))
    sample = 0
    run = 0
    per_chunk = 0
    for number, offset in enumerate(_offsets(boxes, table), start=1):
        while run < len(runs) and runs[run][0] <= number:
            per_chunk = runs[run][1]
            run += 1
        after = sample + per_chunk
        length = same * per_chunk if same else sum(sizes[sample:after])
        sample = after
        if length:
            yield range(offset, offset + length)


def all_within(parts: Sequence[range], places: Sequence[range]) -> bool:
    """Tell whether each part is inside one of the places, which are in order."""
    starts = [place.start for place in places]
    for part in parts:
        found = bisect_right(starts, part.start) - 1
        if found < 0 or part.stop > places[found].stop:
            return False
    return True


def _offsets(boxes: Boxes, table: Box) -> tuple[int, ...]:
    """Read the places of the chunks (8.7.5)."""
    if box := boxes.find(table, b"stco"):
        return _numbers(boxes, box, 4, "I")
    return _numbers(boxes, boxes.need(table, b"co64"), 4, "Q")


def _runs(boxes: Boxes, box: Box) -> list[tuple[int, int]]:
    """Read how many samples a chunk has, from which chunk on (8.7.4)."""
    numbers = _numbers(boxes, box, 4, "III")
    return list(zip(numbers[::3], numbers[1::3], strict=True))


def _sizes(boxes: Boxes, box: Box) -> tuple[int, tuple[int, ...]]:
    """Read the size that all samples have, or that of each (8.7.3.2)."""
    (same,) = struct.unpack(">I", boxes.content(box, 8)[4:].rjust(4, b"\0"))
    return same, () if same else _numbers(boxes, box, 8, "I")


def _numbers(boxes: Boxes, box: Box, before: int, row: str) -> tuple[int, ...]:
    """Read a table: its number of rows follows so many bytes."""
    file = boxes.file
    file.position = box.body + before
    rows = file.number(4)
    length = rows * struct.calcsize(f">{row}")
    if file.position + length > box.end:
        raise UnreadableError("a table beyond its box")
    return struct.unpack(f">{rows * len(row)}{row[0]}", file.take(length))
