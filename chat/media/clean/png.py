"""PNG: the pictures, their colours and their orientation (W3C, third edition)."""

from __future__ import annotations

import zlib

from . import exif
from .facts import Facts, Kind, UnreadableError, picture
from .reading import MAX_PROFILE, PIECE, Plan, Reader

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000

# The longest that these may be; with more in them, they hold something else.
COLOURS = {
    b"tRNS": 256,
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"iCCP": MAX_PROFILE,
    b"sBIT": 4,
    b"bKGD": 6,
    b"pHYs": 9,
    b"cICP": 4,
    b"mDCV": 24,
    b"cLLI": 8,
}
HEADER_LENGTH = 13
PALETTE_LENGTH = 768
CONTROL_LENGTH = {b"acTL": 8, b"fcTL": 26}
COLOUR_TYPES = {0, 2, 3, 4, 6}


class _Picture:
    """The facts that the chunks of a file tell."""

    def __init__(self, file: Reader) -> None:
        self.file = file
        self.size = (0, 0)
        self.announced = 0  # frames
        self.frames = 0
        self.chunks = 0
        self.data = 0  # chunks of the picture itself
        self.orientation = 1
        self.plan = Plan()

    def read(self) -> None:
        """Read all chunks up to the last; what comes after it is no part of the picture."""
        self.header()
        while True:
            start = self.file.position
            length, name = self.file.number(4), self.file.take(4)
            body = self.file.position
            if self.is_kept(name, length):
                self.plan.keep(start, length + 12)
            self.file.position = body
            self.check(name, length)
            if name == b"IEND":
                break
        if not self.data or self.frames != self.announced:
            raise UnreadableError("no picture, or other frames than announced")

    def header(self) -> None:
        """Read the first chunk (11.2.1)."""
        length, name = self.file.number(4), self.file.take(4)
        if (length, name) != (HEADER_LENGTH, b"IHDR"):
            raise UnreadableError("no header")
        self.size = self.file.number(4), self.file.number(4)
        depth, colours = self.file.take(2)
        if depth not in {1, 2, 4, 8, 16} or colours not in COLOUR_TYPES:
            raise UnreadableError("unknown pixels")
        self.file.position -= HEADER_LENGTH - 3
        self.check(name, length)

    def is_kept(self, name: bytes, length: int) -> bool:
        """Read a chunk, and tell whether it is copied."""
        self.chunks += 1
        if self.chunks > MAX_CHUNKS or not name.isalpha():
            raise UnreadableError("too many chunks, or none")
        if name == b"IDAT":
            self.data += 1
        elif name in CONTROL_LENGTH:
            self.control(name, length)
        elif name == b"fdAT":
            self.check_animated()
        elif name == b"eXIf":
            self.orientation = exif.orientation(self.file.peek(min(length, PIECE)))
            return False
        elif name in {b"PLTE", b"IEND"}:
            if length > (PALETTE_LENGTH if name == b"PLTE" else 0):
                raise UnreadableError("a chunk that is too long")
        elif name[:1].isupper():  # critical (5.4): without it, it is another picture
            raise UnreadableError("an unknown critical chunk")
        else:
            return length <= COLOURS.get(name, -1)
        return True

    def control(self, name: bytes, length: int) -> None:
        """Read a chunk that is about frames (11.3.6)."""
        if length != CONTROL_LENGTH[name]:
            raise UnreadableError("a chunk of another length")
        if name == b"fcTL":
            self.check_animated()
            self.frames += 1
            return
        if self.announced or self.data:
            raise UnreadableError("frames are announced twice, or too late")
        self.announced = self.file.number(4)
        self.check_animated()

    def check_animated(self) -> None:
        if not self.announced:
            raise UnreadableError("a frame without an animation")

    def check(self, name: bytes, length: int) -> None:
        """Go to the end of a chunk, and check its sum (5.5)."""
        found = zlib.crc32(name)
        for piece in self.file.pieces(length):
            found = zlib.crc32(piece, found)
        if self.file.number(4) != found:
            raise UnreadableError("a wrong sum")


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a picture, and plan the copy without texts, times and what is unknown."""
    if file.take(8) != SIGNATURE:
        raise UnreadableError("no PNG")
    found = _Picture(file)
    found.read()
    frames = max(found.frames, 1)
    facts = picture(Kind.PNG, found.size, frames=frames, orientation=found.orientation)

    plan = Plan()
    plan.keep(0, len(SIGNATURE) + HEADER_LENGTH + 12)
    if found.orientation != 1:
        plan.put(_chunk(b"eXIf", exif.minimal(found.orientation)))
    plan.join(found.plan)
    return facts, plan


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)
