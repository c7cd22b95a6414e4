"""JPEG: the picture, its colours and its orientation (ITU T.81, annex B)."""

from __future__ import annotations

import re

from . import exif
from .facts import Facts, Kind, UnreadableError, picture
from .reading import MAX_PROFILE, Plan, Reader

START = b"\xff\xd8"
END = 0xD9
FRAMES = {0xC0, 0xC1, 0xC2}  # Huffman, baseline to progressive: what browsers show
SCAN = 0xDA
TABLES = {0xC4, 0xDB, 0xDC, 0xDD}  # DHT, DQT, DNL, DRI
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
NOT_NEEDED = {*range(0xE0, 0xF0), 0xFE}  # APPn and comments

JFIF = b"JFIF\0"
JFIF_LENGTH = 14  # without the thumbnail
ADOBE = b"Adobe"
ADOBE_LENGTH = 12
PROFILE = b"ICC_PROFILE\0"

# Each scan goes over all pixels: some kilobytes of empty ones would take a decoder minutes.
MAX_SCANS = 100
MAX_SEGMENTS = 10_000
MAX_FILL = 64  # bytes before a marker

# In the data of a scan, 00 makes an FF a byte like others, and D0 to D7 mark restarts.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class _Picture:
    """The facts that the segments of one picture tell."""

    def __init__(self, file: Reader) -> None:
        self.file = file
        self.size: tuple[int, int] | None = None
        self.segments = 0
        self.scans = 0
        self.profile = 0  # bytes
        self.jfif = b""
        self.adobe = b""
        self.exif: bytes | None = None
        self.plan = Plan()

    def read(self) -> None:
        """Read all segments up to the end of the picture; what comes after it is no part of it."""
        while (marker := self.marker()) != END:
            start = self.file.position - 2
            length = self.file.number(2)
            body = self.file.position
            self.file.skip(length - 2)
            after = self.file.position
            self.segment(marker, start, body, length - 2)
            self.file.position = after
            if marker == SCAN:
                self.plan.keep(after, self.scan_length())
        if self.size is None or not self.scans:
            raise UnreadableError("no picture")

    def marker(self) -> int:
        """Read a marker, with the fill bytes before it (B.1.1.2)."""
        if self.file.number(1) != 0xFF:
            raise UnreadableError("no marker")
        for _ in range(MAX_FILL):
            if (marker := self.file.number(1)) != 0xFF:
                return marker
        raise UnreadableError("too much between two segments")

    def segment(self, marker: int, start: int, body: int, length: int) -> None:
        self.segments += 1
        if self.segments > MAX_SEGMENTS:
            raise UnreadableError("too many segments")
        if marker in NOT_NEEDED:
            self.file.position = body
            self.application(marker, start, length)
            return
        if marker in FRAMES:
            self.file.position = body
            self.frame()
        elif marker == SCAN:
            self.scan()
        elif marker not in TABLES:
            raise UnreadableError(f"marker {marker:02X}")
        self.plan.keep(start, body + length - start)

    def application(self, marker: int, start: int, length: int) -> None:
        """Remember the few application segments that the look depends on."""
        head = self.file.peek(min(length, JFIF_LENGTH))
        if marker == APP0 and head.startswith(JFIF) and length >= JFIF_LENGTH:
            self.jfif = self.jfif or head[: JFIF_LENGTH - 2] + b"\0\0"
        elif marker == APP14 and head.startswith(ADOBE) and length >= ADOBE_LENGTH:
            self.adobe = self.adobe or head[:ADOBE_LENGTH]
        elif marker == APP1 and head.startswith(exif.HEADER) and self.exif is None:
            self.exif = self.file.take(length)[len(exif.HEADER) :]
        elif marker == APP2 and head.startswith(PROFILE):
            self.profile += length
            if self.profile > MAX_PROFILE:
                raise UnreadableError("too large a profile")
            self.plan.keep(start, length + self.file.position - start)

    def frame(self) -> None:
        """Read the size of the picture (B.2.2)."""
        if self.size or self.file.number(1) != 8:
            raise UnreadableError("more than one frame, or of more than eight bits")
        height = self.file.number(2)
        self.size = self.file.number(2), height

    def scan(self) -> None:
        self.scans += 1
        if self.size is None or self.scans > MAX_SCANS:
            raise UnreadableError("a scan without a frame, or too many")

    def scan_length(self) -> int:
        """Find the length of a scan's data, and go there."""
        start = self.file.position
        before = b""
        for piece in self.file.pieces(self.file.left):
            if found := MARKER.search(before + piece):
                self.file.position += found.start() - len(piece) - len(before)
                return self.file.position - start
            before = piece[-1:]
        raise UnreadableError("a scan without an end")


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a picture, and plan the copy without what is not needed to show it."""
    if file.take(2) != START:
        raise UnreadableError("no JPEG")
    found = _Picture(file)
    found.read()
    value = exif.orientation(found.exif or b"")
    facts = picture(Kind.JPEG, found.size or (0, 0), orientation=value)

    plan = Plan()
    plan.put(START)
    if found.jfif:
        plan.put(_segment(APP0, found.jfif))
    if value != 1:
        plan.put(_segment(APP1, exif.HEADER + exif.minimal(value)))
    if found.adobe:
        plan.put(_segment(APP14, found.adobe))
    plan.join(found.plan)
    plan.put(bytes((0xFF, END)))
    return facts, plan


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2) + data
