"""Opus in Ogg, as Firefox records it (RFC 3533; RFC 7845)."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from .facts import Facts, Kind, UnreadableError
from .reading import MAX_HELD, Plan, Reader

START = b"OggS"
FIRST, LAST = 0x02, 0x04
SUM_AT = 22
MAX_PAGES = 500_000
UNKNOWN = (1 << 64) - 1  # the position of a page on which no packet ends
SAMPLES_A_SECOND = 48_000  # RFC 7845, 4: whatever the rate of the recording was

REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(NamedTuple):
    """A page, all of it: 64 KiB at the most (RFC 3533, 6)."""

    head: bytes
    body: bytes

    @property
    def flags(self) -> int:
        return self.head[5]

    @property
    def granules(self) -> int:
        return int.from_bytes(self.head[6:14], "little")

    @property
    def is_end_of_packet(self) -> bool:
        return self.head[-1] < 255


def read(file: Reader) -> tuple[Facts, Plan]:
    """Read a sound, and plan the copy whose comments are empty.

    They are followed by zeros for what was there, which RFC 7845, 5.2 calls padding: so no page
    is of another length, and none needs another number.
    """
    first = _page(file)
    if not first.flags & FIRST or not first.body.startswith(b"OpusHead") or len(first.body) < 19:
        raise UnreadableError("no Opus")
    comments = _comments(file)
    plan = Plan()
    plan.keep(0, len(first.head) + len(first.body))
    text = b"OpusTags" + bytes(8)  # no vendor, no comments
    for page in comments:
        body = text[: len(page.body)].ljust(len(page.body), b"\0")
        text = text[len(page.body) :]
        head = page.head[:SUM_AT] + bytes(4) + page.head[SUM_AT + 4 :]
        total = _sum(head + body).to_bytes(4, "little")
        plan.put(head[:SUM_AT] + total + head[SUM_AT + 4 :] + body)

    start, granules = file.position, 0
    for _ in range(MAX_PAGES):
        if not file.left:
            break
        page = _page(file)
        if page.flags & FIRST or page.head[14:18] != first.head[14:18]:
            raise UnreadableError("more than one stream")
        if page.granules != UNKNOWN:
            granules = page.granules
        if page.flags & LAST:
            break
    else:
        raise UnreadableError("too many pages")
    plan.keep(start, file.position - start)
    skipped = int.from_bytes(first.body[10:12], "little")
    return Facts(Kind.OGG, duration=max(granules - skipped, 0) / SAMPLES_A_SECOND), plan


def _comments(file: Reader) -> list[Page]:
    """Read the pages of the second packet, which has them to itself (RFC 7845, 3)."""
    pages: list[Page] = []
    length = 0
    while not pages or not pages[-1].is_end_of_packet:
        page = _page(file)
        length += len(page.body)
        is_alone = not page.head[27:-1].strip(b"\xff")
        if not is_alone or page.flags & (FIRST | LAST) or length > MAX_HELD:
            raise UnreadableError("comments that share a page, or are too long")
        pages.append(page)
    if not pages[0].body.startswith(b"OpusTags") or length < 16:
        raise UnreadableError("no comments")
    return pages


def _page(file: Reader) -> Page:
    """Read a page, and check its sum."""
    head = file.take(27)
    if head[:5] != START + b"\0" or not head[26]:
        raise UnreadableError("no page")
    head += file.take(head[26])
    body = file.take(sum(head[27:]))
    if _sum(head[:SUM_AT] + bytes(4) + head[SUM_AT + 4 :] + body) != int.from_bytes(
        head[SUM_AT : SUM_AT + 4], "little"
    ):
        raise UnreadableError("a wrong sum")
    return Page(head, body)


def _sum(data: bytes) -> int:
    """Compute the sum of a page: CRC-32 with the bits in the other order (RFC 3533, 6).

    zlib's is the same polynomial from the other end, and inverted before and after.
    """
    found = zlib.crc32(data.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(found.to_bytes(4).translate(REVERSED), "little")
