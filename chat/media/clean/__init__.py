"""Copies of pictures, films and sounds without the metadata that names places and devices.

No pixel and no sample is coded again. This runs in a short process of its own, on files that
somebody may have made to do harm, so it knows nothing of Django, and imports nothing but what
Python has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from . import gif, jpeg, mp3, mp4, ogg, png, wav, webm, webp
from .facts import Facts, Kind, UnreadableError
from .places import tells_maybe_place
from .reading import Plan, Reader, Target

__all__ = ["Facts", "Kind", "UnreadableError", "clean", "look", "tells_maybe_place"]

Read = Callable[[Reader], tuple[Facts, Plan]]

# What a file must begin with, and where; the first that fits counts.
PICTURES: tuple[tuple[int, bytes, Kind, Read], ...] = (
    (0, b"\xff\xd8\xff", Kind.JPEG, jpeg.read),
    (0, png.SIGNATURE, Kind.PNG, png.read),
    (0, b"GIF87a", Kind.GIF, gif.read),
    (0, b"GIF89a", Kind.GIF, gif.read),
    (8, b"WEBP", Kind.WEBP, webp.read),
)
CONTAINERS: tuple[tuple[int, bytes, Read], ...] = (
    *((4, name, mp4.read) for name in sorted(mp4.STARTS)),
    (0, webm.START, webm.read),
    (0, ogg.START, ogg.read),
    (8, b"WAVE", wav.read),
)


def look(source: BinaryIO) -> Kind | None:
    """Tell what a file is by its bytes; None if it is nothing that can be cleaned.

    A picture is told by its beginning. For films and sounds all is read but the media itself, as
    only the tracks tell one from the other.
    """
    file = Reader(source)
    if picture := _picture(file):
        return picture[0]
    try:
        return _read(file)[0].mimetype
    except UnreadableError:
        return None


def clean(source: BinaryIO, target: Target) -> Facts:
    """Copy a file without the metadata that names places and devices, and tell its facts.

    The source must be able to seek. A picture is copied whatever its size, which costs nothing;
    whether it may be decoded, its facts tell. UnreadableError, and nothing written, if a file is
    of another kind or broken.
    """
    file = Reader(source)
    picture = _picture(file)
    facts, plan = picture[1](file) if picture else _read(file)
    plan.write(file, target)
    return facts


def _picture(file: Reader) -> tuple[Kind, Read] | None:
    head = file.peek(16)
    for at, start, kind, read in PICTURES:
        if head.startswith(start, at):
            return kind, read
    return None


def _read(file: Reader) -> tuple[Facts, Plan]:
    """Read a film or a sound."""
    head = file.peek(16)
    for at, start, read in CONTAINERS:
        if head.startswith(start, at):
            return read(file)
    return mp3.read(file)  # which begins with a tag, or with any of a thousand numbers
