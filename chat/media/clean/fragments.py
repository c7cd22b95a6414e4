"""The duration of a film in fragments, as browsers record it (ISO 14496-12, 8.8)."""

from __future__ import annotations

from collections import defaultdict

from .boxes import Box, Boxes
from .facts import UnreadableError

# Of tfhd (8.8.7) and trun (8.8.8): which fields are there.
BASE_OFFSET, DESCRIPTION, DEFAULT_DURATION = 0x1, 0x2, 0x8
DATA_OFFSET, FIRST_FLAGS, DURATION = 0x1, 0x4, 0x100
EACH_SAMPLE = (DURATION, 0x200, 0x400, 0x800)


class Durations:
    """The durations of tracks, which grow with each fragment."""

    def __init__(self) -> None:
        self.defaults: dict[int, int] = {}
        self.totals: defaultdict[int, int] = defaultdict(int)

    def extends(self, boxes: Boxes, box: Box) -> None:
        """Read the default of a track (trex, 8.8.3)."""
        data = boxes.content(box, 24).ljust(24, b"\0")
        self.defaults[int.from_bytes(data[4:8])] = int.from_bytes(data[12:16])

    def fragment(self, boxes: Boxes, box: Box) -> None:
        """Add the samples of a track in one fragment (traf)."""
        head = boxes.content(boxes.need(box, b"tfhd"), 28).ljust(28, b"\0")
        flags, track = int.from_bytes(head[1:4]), int.from_bytes(head[4:8])
        default = self.defaults.get(track, 0)
        if flags & DEFAULT_DURATION:
            at = 8 + (8 if flags & BASE_OFFSET else 0) + (4 if flags & DESCRIPTION else 0)
            default = int.from_bytes(head[at : at + 4])
        for child in boxes.within(box.body, box.end):
            if child.name == b"trun":
                self.totals[track] += _run(boxes, child, default)


def _run(boxes: Boxes, box: Box, default: int) -> int:
    """Add up the durations of a run of samples."""
    head = boxes.content(box, 8).ljust(8, b"\0")
    flags, count = int.from_bytes(head[1:4]), int.from_bytes(head[4:8])
    if not flags & DURATION:
        return default * count
    boxes.file.skip((4 if flags & DATA_OFFSET else 0) + (4 if flags & FIRST_FLAGS else 0))
    row = 4 * sum(1 for field in EACH_SAMPLE if flags & field)
    if boxes.file.position + row * count > box.end:
        raise UnreadableError("a table beyond its box")
    rows = boxes.file.take(row * count)
    return sum(int.from_bytes(rows[at : at + 4]) for at in range(0, len(rows), row))
