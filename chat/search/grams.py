"""A Bloom filter over the characters of a block of messages, alone and in pairs.

Chinese has no spaces and mostly words of two characters, hence the pairs. In other scripts a
pair tells nothing; there it is three and five characters in a row.

The filter is cut into parts by the hash, so that a search reads only the parts of each block
that its own grams fall into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zlib import crc32

from webchat.base.text import searchable

CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
RUN = re.compile(rf"[{CJK}]+|[^{CJK}\s]+")
IS_CJK = re.compile(rf"[{CJK}]")
SIZES_CJK = (1, 2)
SIZES = (1, 2, 3, 5)

PARTS = 16
PART_BYTES = 128
# Four bits for each gram: one filter in eighty is a false positive.
GRAMS_AT_MOST = 1600


class Probe(NamedTuple):
    """The positions of a gram's four bits: its part, then byte and mask of each."""

    part: int
    bits: tuple[tuple[int, int], ...]


def hash_text(text: str) -> set[int]:
    """Hash all grams of a text."""
    grams: set[str] = set()
    for run in RUN.findall(searchable(text)):
        for size in _sizes(run):
            grams |= _cut(run, size)
    return {crc32(gram.encode()) for gram in grams}


def probes_of(words: Iterable[str]) -> list[Probe]:
    """Make the probes of searchable words: of each run the longest grams, which tell the most."""
    grams: set[str] = set()
    for word in words:
        for run in RUN.findall(word):
            grams |= _cut(run, max(size for size in _sizes(run) if size <= len(run)))
    return [_probe(crc32(gram.encode())) for gram in grams]


def make_filter(hashes: Iterable[int]) -> list[bytes]:
    """Make one filter, part by part."""
    parts = [bytearray(PART_BYTES) for _part in range(PARTS)]
    for hash_ in hashes:
        part, bits = _probe(hash_)
        for byte, mask in bits:
            parts[part][byte] |= mask
    return list(map(bytes, parts))


def blocks_that_may_hold(
    parts: Mapping[int, bytes], probes: Iterable[Probe], count: int
) -> list[int]:
    """Find those of `count` filters, concatenated in each part, that have all these bits."""
    blocks = list(range(0, count * PART_BYTES, PART_BYTES))
    for part, ((a, in_a), (b, in_b), (c, in_c), (d, in_d)) in probes:
        held = parts[part]
        blocks = [
            at
            for at in blocks
            if held[at + a] & in_a and held[at + b] & in_b
            and held[at + c] & in_c and held[at + d] & in_d
        ]  # fmt: skip
    return [at // PART_BYTES for at in blocks]


def _probe(hash_: int) -> Probe:
    mixed = hash_ * 2654435761  # Knuth's multiplicative hash
    places = (hash_ >> 4, hash_ >> 14, mixed >> 12, mixed >> 22)
    return Probe(
        hash_ % PARTS, tuple((place >> 3 & PART_BYTES - 1, 1 << (place & 7)) for place in places)
    )


def _sizes(run: str) -> tuple[int, ...]:
    return SIZES_CJK if IS_CJK.match(run) else SIZES


def _cut(run: str, size: int) -> set[str]:
    return {run[start : start + size] for start in range(len(run) - size + 1)}
