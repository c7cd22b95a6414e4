"""The one fact that is kept of EXIF: which side of a picture is up."""

from __future__ import annotations

import struct

HEADER = b"Exif\0\0"  # before the TIFF structure, in JPEG and in some WebP
ORIENTATION = 0x0112
SHORT = 3
MAX_ENTRIES = 1000


def orientation(data: bytes) -> int:
    """Find the orientation in a TIFF structure; 1 if it has none, or is broken.

    TIFF 6.0, section 2; EXIF 2.32, section 4.6.4.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, start)
        for number in range(min(entries, MAX_ENTRIES)):
            tag, form, count, value = struct.unpack_from(
                f"{order}HHIH", data, start + 2 + 12 * number
            )
            if (tag, form, count) == (ORIENTATION, SHORT, 1):
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def minimal(value: int) -> bytes:
    """Make a TIFF structure that says nothing but the orientation."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, ORIENTATION, SHORT, 1, value, 0, 0)
