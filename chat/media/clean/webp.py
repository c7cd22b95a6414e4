"""WebP: the pictures, their colours and their orientation (RFC 9649)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import exif
from .facts import Facts, Kind, UnreadableError, count_pixels, picture
from .reading import MAX_PROFILE, PIECE, Plan, Reader

MAX_CHUNKS = 10_000
LOSSY, LOSSLESS = b"VP8 ", b"VP8L"
HAS_EXIF, HAS_XMP, IS_ANIMATED = 0x08, 0x04, 0x02  # in the flags of VP8X
EXTENDED_LENGTH = 10
FRAME_HEAD = 16
LOOP_LENGTH = 6
FRAME_START = b"\x9d\x01\x2a"  # RFC 6386, 9.1


class Chunk(NamedTuple):
    """A chunk of a RIFF file, by the place of its content."""

    name: bytes
    body: int
    length: int

    @property
    def padded(self) -> int:
        return self.length + self.length % 2


class _Picture:
    """The facts that the chunks of a file tell."""

    def __init__(self, file: Reader) -> None:
        self.file = file
        self.size = (0, 0)
        self.flags = 0
        self.frames = 0
        self.largest = 0  # pixels of a frame
        self.pictures = 0  # outside frames
        self.orientation = 1
        self.plan = Plan()

    def read(self, chunks: list[Chunk]) -> None:
        """Read all chunks; a file without the first kind holds one picture and nothing else."""
        first = chunks[0]
        if first.name == b"VP8X":
            self.extended(first)
            for chunk in chunks[1:]:
                self.chunk(chunk)
        else:
            self.size = self.bitstream(first)
            self.pictures = 1
            _keep(self.plan, first)
        if self.pictures != (0 if self.frames else 1) or bool(self.frames) != self.is_animated:
            raise UnreadableError("no picture, or too many")

    @property
    def is_animated(self) -> bool:
        return bool(self.flags & IS_ANIMATED)

    def extended(self, chunk: Chunk) -> None:
        """Read the size of the canvas, and which chunks are there (2.7.1)."""
        if chunk.length != EXTENDED_LENGTH:
            raise UnreadableError("a header of another length")
        self.file.position = chunk.body
        data = self.file.take(EXTENDED_LENGTH)
        self.flags = data[0]
        self.size = _little(data[4:7]) + 1, _little(data[7:10]) + 1

    def chunk(self, chunk: Chunk) -> None:
        """Read a chunk of an extended file, and keep it if the picture needs it."""
        if chunk.name == b"ANMF":
            self.frame(chunk)
        elif chunk.name in {LOSSY, LOSSLESS}:
            self.pictures += 1
            if self.bitstream(chunk) != self.size:
                raise UnreadableError("a picture of another size")
            _keep(self.plan, chunk)
        elif chunk.name == b"EXIF":
            self.file.position = chunk.body
            data = self.file.take(min(chunk.length, PIECE))
            self.orientation = exif.orientation(data.removeprefix(exif.HEADER))
        elif chunk.name == b"ALPH" or (chunk.name == b"ANIM" and chunk.length == LOOP_LENGTH):
            _keep(self.plan, chunk)
        elif chunk.name == b"ICCP":
            if chunk.length > MAX_PROFILE:
                raise UnreadableError("too large a profile")
            _keep(self.plan, chunk)

    def frame(self, chunk: Chunk) -> None:
        """Keep the picture of a frame, and nothing else in it (2.7.1.1)."""
        self.frames += 1
        plan = Plan()
        plan.keep(chunk.body, FRAME_HEAD)
        pictures = 0
        end = chunk.body + chunk.length
        for part in _chunks(self.file, chunk.body + FRAME_HEAD, end):
            if part.name in {LOSSY, LOSSLESS}:
                pictures += 1
                self.bitstream(part)
            elif part.name != b"ALPH":
                continue
            _keep(plan, part)
        if pictures != 1:
            raise UnreadableError("a frame without a picture")
        self.plan.put(b"ANMF" + plan.length.to_bytes(4, "little"))
        self.plan.join(plan)

    def bitstream(self, chunk: Chunk) -> tuple[int, int]:
        """Find the size of a picture (RFC 6386, 9.1; RFC 9649, 3.4)."""
        self.file.position = chunk.body
        data = self.file.take(min(chunk.length, 10)).ljust(10, b"\0")
        if chunk.name == LOSSY and not data[0] & 1 and data[3:6] == FRAME_START:
            size = _little(data[6:8]) & 0x3FFF, _little(data[8:10]) & 0x3FFF
        elif chunk.name == LOSSLESS and data[0] == 0x2F:
            bits = _little(data[1:5])
            size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        else:
            raise UnreadableError("no picture")
        self.largest = max(self.largest, count_pixels(*size))
        return size

    def header(self) -> bytes:
        """Make the first chunk of an extended file again: without what is left out."""
        flags = self.flags & ~(HAS_EXIF | HAS_XMP) | (HAS_EXIF if self.orientation != 1 else 0)
        width, height = self.size
        sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        return _chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sizes)


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a picture, and plan the copy without EXIF, XMP and what is unknown."""
    head = file.take(12)
    end = 8 + _little(head[4:8])
    if head[:4] != b"RIFF" or head[8:] != b"WEBP" or end > file.size:
        raise UnreadableError("no WebP")
    chunks = list(_chunks(file, 12, end))
    if not chunks:
        raise UnreadableError("nothing in it")
    found = _Picture(file)
    found.read(chunks)
    frames = max(found.frames, 1)
    facts = picture(Kind.WEBP, found.size, frames, found.orientation, found.largest)

    body = Plan()
    if chunks[0].name == b"VP8X":
        body.put(found.header())
    body.join(found.plan)
    if found.orientation != 1:
        body.put(_chunk(b"EXIF", exif.minimal(found.orientation)))
    plan = Plan()
    plan.put(b"RIFF" + (4 + body.length).to_bytes(4, "little") + b"WEBP")
    plan.join(body)
    return facts, plan


def _chunks(file: Reader, start: int, end: int) -> Iterator[Chunk]:
    """Find the chunks between two places (2.3)."""
    for _ in range(MAX_CHUNKS):
        if start + 8 > end:  # a lone byte is padding
            return
        file.position = start
        head = file.take(8)
        chunk = Chunk(head[:4], start + 8, _little(head[4:]))
        start = chunk.body + chunk.padded
        if chunk.body + chunk.length > end:
            raise UnreadableError("a chunk beyond the end")
        yield chunk
    raise UnreadableError("too many chunks")


def _keep(plan: Plan, chunk: Chunk) -> None:
    plan.keep(chunk.body - 8, 8 + chunk.length)
    if chunk.length % 2:
        plan.put(b"\0")


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
