"""GIF: its pictures, and how often they are shown (GIF89a)."""

from __future__ import annotations

from .facts import Facts, Kind, UnreadableError, count_pixels, picture
from .reading import PIECE, Plan, Reader

SIGNATURES = (b"GIF87a", b"GIF89a")
EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
PLAIN_TEXT, CONTROL, APPLICATION = 0x01, 0xF9, 0xFF
LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
MAX_EXTENSIONS = 10_000
MAX_CODE_SIZE = 11


class _Picture:
    """The facts that the blocks of a file tell."""

    def __init__(self, file: Reader) -> None:
        self.file = file
        self.frames = 0
        self.largest = 0  # pixels of a frame
        self.extensions = 0
        self.control: bytes | None = None  # that of the next picture
        self.plan = Plan()

    def read(self) -> tuple[int, int]:
        """Read all blocks up to the trailer, and tell the size of the whole (section 18)."""
        head = self.file.take(13)
        if not head.startswith(SIGNATURES):
            raise UnreadableError("no GIF")
        size = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
        self.skip_colours(head[10])
        self.plan.keep(0, self.file.position)
        while (block := self.file.number(1)) != TRAILER:
            if block == IMAGE:
                self.image()
            elif block == EXTENSION:
                self.extension()
            else:
                raise UnreadableError(f"block {block:02X}")
        if not self.frames:
            raise UnreadableError("no picture")
        self.plan.put(bytes((TRAILER,)))
        return size

    def skip_colours(self, flags: int) -> None:
        if flags & 0x80:
            self.file.skip(3 << ((flags & 7) + 1))

    def image(self) -> None:
        """Go over a picture (sections 20 to 22)."""
        self.frames += 1
        start = self.file.position - 1
        head = self.file.take(9)
        size = int.from_bytes(head[4:6], "little"), int.from_bytes(head[6:8], "little")
        self.largest = max(self.largest, count_pixels(*size))
        self.skip_colours(head[8])
        if not 1 <= self.file.number(1) <= MAX_CODE_SIZE:
            raise UnreadableError("unknown codes")
        self.skip_blocks()
        if self.control:
            self.plan.put(self.control)
            self.control = None
        self.plan.keep(start, self.file.position - start)

    def extension(self) -> None:
        """Read an extension (sections 23 to 26); a comment is one that nobody needs."""
        self.extensions += 1
        if self.extensions > MAX_EXTENSIONS:
            raise UnreadableError("too many extensions")
        label = self.file.number(1)
        if label == CONTROL:
            self.read_control()
        elif label == APPLICATION:
            self.read_application()
        else:
            self.skip_blocks()
            if label == PLAIN_TEXT:  # the control was about this
                self.control = None

    def read_control(self) -> None:
        data = self.file.take(6)
        if data[0] != 4 or data[5] != 0:
            raise UnreadableError("a control of another length")
        self.control = bytes((EXTENSION, CONTROL)) + data

    def read_application(self) -> None:
        """Keep the number of loops, which has its own extension since Netscape 2."""
        name = self.file.take(self.file.number(1))
        start = self.file.position
        if name in LOOPS and (loop := self.file.peek(4))[:2] == b"\3\1" and len(loop) == 4:
            head = bytes((EXTENSION, APPLICATION, len(name)))
            self.plan.put(head + name + loop + b"\0")
        self.file.position = start
        self.skip_blocks()

    def skip_blocks(self) -> None:
        """Go over blocks of data up to an empty one (section 15), which may be millions."""
        start, data = self.file.position, self.file.peek(PIECE)
        at = 0
        while True:
            if at >= len(data):
                start += at
                if start >= self.file.size:
                    raise UnreadableError("ends too early")
                self.file.position = start
                data, at = self.file.peek(PIECE), 0
            length = data[at]
            at += length + 1
            if not length:
                self.file.position = start + at
                return


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a picture, and plan the copy without comments and what programs have added."""
    found = _Picture(file)
    size = found.read()
    return picture(Kind.GIF, size, found.frames, largest=found.largest), found.plan
