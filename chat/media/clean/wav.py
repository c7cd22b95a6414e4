"""WAV: the sound and its format (RIFF; Multimedia Programming Interface 1.0, chapter 3)."""

from __future__ import annotations

from .facts import Facts, Kind, UnreadableError
from .reading import Plan, Reader

MAX_CHUNKS = 1000
MAX_FORMAT = 64  # 40 with all extensions
FACT_LENGTH = 4


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a sound, and plan the copy with nothing but the three chunks that it needs."""
    head = file.take(12)
    end = 8 + _little(head[4:8])
    if head[:4] != b"RIFF" or head[8:] != b"WAVE" or end > file.size:
        raise UnreadableError("no WAV")
    body = Plan()
    found: dict[bytes, int] = {}
    rate = 0  # bytes in a second
    for _ in range(MAX_CHUNKS):
        if file.position + 8 > end:
            break
        start = file.position
        name, length = file.take(4), _little(file.take(4))
        if file.position + length > end or name in found:
            raise UnreadableError("a chunk beyond the end, or twice")
        if name == b"fmt " and 16 <= length <= MAX_FORMAT:
            rate = _little(file.peek(12)[8:])
        elif name not in {b"data", b"fact"} or (name == b"fact" and length != FACT_LENGTH):
            file.position = min(file.position + length + length % 2, end)
            continue
        found[name] = length
        body.keep(start, 8 + length)
        if length % 2:
            body.put(b"\0")
        file.position = min(file.position + length + length % 2, end)
    else:
        raise UnreadableError("too many chunks")
    if not {b"fmt ", b"data"} <= set(found):
        raise UnreadableError("no sound")
    plan = Plan()
    plan.put(b"RIFF" + (4 + body.length).to_bytes(4, "little") + b"WAVE")
    plan.join(body)
    return Facts(Kind.WAV, duration=found[b"data"] / rate if rate else 0.0), plan


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
