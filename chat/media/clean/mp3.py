"""MP3: the frames of sound, without the tags around them (ISO 11172-3, 2.4.1; ID3v2.4, 3.1)."""

from __future__ import annotations

from typing import NamedTuple

from .facts import Facts, Kind, UnreadableError
from .reading import Plan, Reader

MAX_FRAMES = 1_000_000  # seven hours
MAX_TAGS = 10

# Of layer III, in kbit/s: MPEG 1, and MPEG 2 and 2.5.
RATES = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
FREQUENCIES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LAYER_3 = 1
APE = b"APETAGEX"


class Frame(NamedTuple):
    """A frame of sound."""

    length: int  # in bytes
    seconds: float


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a sound, and plan the copy of its frames alone."""
    _skip_tags(file)
    start, seconds = file.position, 0.0
    for _ in range(MAX_FRAMES):
        frame = _frame(file.peek(4))
        if not frame:
            break
        file.skip(frame.length)
        seconds += frame.seconds
    else:
        raise UnreadableError("too many frames")
    end = file.position
    if end == start:
        raise UnreadableError("no sound")
    _skip_tags(file)
    if file.left:
        raise UnreadableError("something behind the sound")
    plan = Plan()
    plan.keep(start, end - start)
    return Facts(Kind.MP3, duration=seconds), plan


def _frame(head: bytes) -> Frame | None:
    """Read the head of a frame (2.4.1.3); None if it is none of layer III."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, frequency = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer != LAYER_3 or rate in {0, 15} or frequency == 3:
        return None
    hertz = FREQUENCIES[version][frequency]
    samples = 1152 if version == 3 else 576
    bits = RATES[0 if version == 3 else 1][rate - 1] * 1000
    return Frame(samples // 8 * bits // hertz + (head[2] >> 1 & 1), samples / hertz)


def _skip_tags(file: Reader) -> None:
    """Go over tags, before the sound or behind it."""
    for _ in range(MAX_TAGS):
        head = file.peek(32)
        if head.startswith(b"ID3") and len(head) >= 10:
            length = sum(
                (byte & 0x7F) << shift
                for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
            )
            file.skip(10 + length + (10 if head[5] & 0x10 else 0))
        elif head.startswith(b"TAG") and file.left == 128:
            file.skip(128)
        elif head.startswith(APE) and len(head) == 32:
            # Its length counts what follows its head.
            file.skip(32 + int.from_bytes(head[12:16], "little"))
        else:
            return
