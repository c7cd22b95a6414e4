"""WebM: picture and sound, without tags and names (RFC 8794; RFC 9559)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from .boxes import Changes
from .facts import Facts, Kind, UnreadableError, count_pixels
from .reading import Plan, Reader

MAX_ELEMENTS = 1_000_000

START = b"\x1a\x45\xdf\xa3"
HEAD, DOCUMENT_TYPE, SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
INFO, TRACKS, CLUSTER = 0x1549A966, 0x1654AE6B, 0x1F43B675
SEEK_HEAD, CUES = 0x114D9B74, 0x1C53BB6B
KEPT = {INFO, TRACKS, CLUSTER, SEEK_HEAD, CUES}
VOID = 0xEC
SCALE, DURATION = 0x2AD7B1, 0x4489
TRACK, TRACK_TYPE, VIDEO, WIDTH, HEIGHT = 0xAE, 0x83, 0xE0, 0xB0, 0xBA
TIMESTAMP, SIMPLE_BLOCK, GROUP, BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
IN_CLUSTER = {TIMESTAMP, SIMPLE_BLOCK, GROUP, VOID, 0xA7, 0xAB, 0xBF}
PICTURE, SOUND = 1, 2
# All that a player may need of the head and of a track (RFC 9559, 5.1.2 and 5.1.4).
IN_INFO = {SCALE, DURATION}
IN_TRACK = {
    *(0xD7, 0x73C5, TRACK_TYPE, 0xB9, 0x88, 0x55AA, 0x9C, 0x6DE7, 0x6DF8),  # numbers and flags
    *(0x23E383, 0x234E7A, 0x23314F, 0x56AA, 0x56BB),  # times
    *(0x22B59C, 0x22B59D, 0x86, 0x63A2),  # language and codec
    *(VIDEO, 0xE1, 0x55EE, 0x41E4, 0x6D80),  # size, sound, and how it is packed
}
PROGRAMS = {0x4D80, 0x5741}  # by which it was made: they must be there (5.1.2.13 and 14)


class Element(NamedTuple):
    """An element, by its places in the file; one of unknown length ends with what is around it."""

    id: int
    start: int
    body: int
    end: int
    is_open: bool


class _Film:
    """The facts that the elements of a file tell, and all that its copy does not."""

    def __init__(self, file: Reader) -> None:
        self.file = file
        self.changes = Changes()
        self.count = 0
        self.scale = 1_000_000  # nanoseconds
        self.duration = 0.0  # in the scale
        self.cluster = 0
        self.last = 0  # the latest block
        self.types: set[int] = set()
        self.size = (0, 0)

    def read(self) -> int:
        """Read the file, and tell where its segment ends."""
        head = self.element(self.file.size)
        if head.id != HEAD or head.end - head.body > 1024:
            raise UnreadableError("no WebM")
        if self.values(head).get(DOCUMENT_TYPE, b"").rstrip(b"\0") != b"webm":
            raise UnreadableError("no WebM")
        self.file.position = head.end
        segment = self.element(self.file.size)
        if segment.id != SEGMENT:
            raise UnreadableError("no segment")
        self.segment(segment)
        if not self.types or not self.types <= {PICTURE, SOUND}:
            raise UnreadableError("no picture or sound, or other tracks")
        return segment.end

    def element(self, end: int) -> Element:
        """Read the head of an element (RFC 8794, 4 to 6)."""
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise UnreadableError("too many elements")
        start = self.file.position
        name = self.vint(4, is_marked=True)
        length_at = self.file.position
        length = self.vint(8)
        body = self.file.position
        is_open = length == (1 << 7 * (body - length_at)) - 1
        after = end if is_open else body + length
        if after > end:
            raise UnreadableError("an element beyond the end")
        return Element(name, start, body, after, is_open)

    def vint(self, most: int, *, is_marked: bool = False) -> int:
        """Read a number whose first bits say how long it is."""
        first = self.file.number(1)
        length = 9 - first.bit_length()
        if length > most:
            raise UnreadableError("a number that is too long")
        rest = self.file.take(length - 1)
        if not is_marked:
            first &= 0xFF >> length
        return int.from_bytes(bytes((first,)) + rest)

    def within(self, parent: Element) -> Iterator[Element]:
        """Find the elements in one of a known length."""
        position = parent.body
        while position < parent.end:
            self.file.position = position
            element = self.element(parent.end)
            if element.is_open:
                raise UnreadableError("an element without a length")
            position = element.end
            yield element

    def values(self, parent: Element) -> dict[int, bytes]:
        """Read the short elements in one of them."""
        found = {}
        for element in self.within(parent):
            if element.end - element.body <= 64:
                self.file.position = element.body
                found[element.id] = self.file.take(element.end - element.body)
        return found

    def segment(self, segment: Element) -> None:
        """Read what is at the top; a cluster without a length ends where the next begins."""
        position, is_in_cluster = segment.body, False
        while position < segment.end:
            self.file.position = position
            element = self.element(segment.end)
            position = element.end
            if is_in_cluster and element.id in IN_CLUSTER and not element.is_open:
                self.block(element)
                continue
            is_in_cluster = element.id == CLUSTER and element.is_open
            if is_in_cluster:
                position = element.body
            elif element.is_open:
                raise UnreadableError("an element without a length")
            elif element.id in KEPT:
                self.top(element)
            else:
                self.void(element)

    def top(self, element: Element) -> None:
        if element.id == INFO:
            values = self.values(element)
            self.scale = _number(values.get(SCALE, b"")) or self.scale
            self.duration = _real(values.get(DURATION, b""))
            self.thin(element, IN_INFO)
        elif element.id == TRACKS:
            for track in self.within(element):
                if track.id == TRACK:
                    self.track(track)
                else:
                    self.void(track)  # as a sum, which is not right any more
        elif element.id == CLUSTER:
            for child in self.within(element):
                self.block(child)

    def track(self, track: Element) -> None:
        self.types.add(_number(self.values(track).get(TRACK_TYPE, b"")))
        for element in self.within(track):
            if element.id == VIDEO:
                values = self.values(element)
                size = _number(values.get(WIDTH, b"")), _number(values.get(HEIGHT, b""))
                count_pixels(*size)
                self.size = max(self.size, size)
        self.thin(track, IN_TRACK)

    def thin(self, parent: Element, kept: set[int]) -> None:
        """Make the other elements in one empty: names, dates, and all that is not known."""
        for element in self.within(parent):
            if element.id in PROGRAMS:
                self.changes.blank(element.body, element.end)
            elif element.id not in kept:
                self.void(element)

    def block(self, element: Element) -> None:
        """Note the time of a block: a recording that was made live has no other duration."""
        self.file.position = element.body
        if element.id == GROUP:
            for child in self.within(element):
                if child.id == BLOCK:
                    self.block(child)
        elif element.id == TIMESTAMP:
            self.cluster = _number(self.file.take(min(element.end - element.body, 8)))
        elif element.id in {SIMPLE_BLOCK, BLOCK}:
            self.vint(8)  # the track
            moment = int.from_bytes(self.file.take(2), signed=True)
            self.last = max(self.last, self.cluster + moment)
        elif element.id == VOID:
            self.void(element)

    def void(self, element: Element) -> None:
        """Make an element empty, of the same length (RFC 8794, 11.3.2)."""
        length = element.end - element.start
        if element.id == VOID:
            self.changes.blank(element.body, element.end)
            return
        size = min(length - 1, 8)
        if size < 1:
            raise UnreadableError("an element that is too short")
        head = bytes((VOID,)) + (1 << 7 * size | length - 1 - size).to_bytes(size)
        self.changes.replace(element.start, head)
        self.changes.blank(element.start + len(head), element.end)

    def facts(self) -> Facts:
        kind = Kind.WEBM if PICTURE in self.types else Kind.WEBM_AUDIO
        width, height = self.size
        return Facts(kind, width, height, (self.duration or self.last) * self.scale / 1e9)


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a film or a sound, and plan the copy with empty elements for tags and attachments."""
    film = _Film(file)
    end = film.read()
    return film.facts(), film.changes.plan(end)


def _number(data: bytes) -> int:
    return int.from_bytes(data[:8])


def _real(data: bytes) -> float:
    """Read a float of four or eight bytes (RFC 8794, 7.3); 0 if it is none."""
    if len(data) not in {4, 8}:
        return 0.0
    value = float(struct.unpack(">f" if len(data) == 4 else ">d", data)[0])
    return value if 0 <= value < float("inf") else 0.0
