"""What a file is found to be, and the error for one that cannot be read."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

# The cameras that are sold as "64 megapixels" make up to 9,280 × 6,944.
MAX_PIXELS = 64 * 1024 * 1024
MAX_FRAMES = 1000


class UnreadableError(Exception):
    """The file cannot be read to its end, or asks for more than is allowed."""


class Kind(StrEnum):
    """A type of which metadata can be taken away, as its media type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    WEBP = "image/webp"
    MP4 = "video/mp4"
    QUICKTIME = "video/quicktime"
    WEBM = "video/webm"
    M4A = "audio/mp4"
    WEBM_AUDIO = "audio/webm"
    OGG = "audio/ogg"
    MP3 = "audio/mpeg"
    WAV = "audio/wav"


class Facts(NamedTuple):
    """What is known about a picture, a film or a sound."""

    mimetype: Kind
    width: int = 0  # as shown, after the orientation; 0 if it has none
    height: int = 0
    duration: float = 0.0  # in seconds; 0 if unknown
    frames: int = 1  # of an animated picture; 1 for all else
    orientation: int = 1  # as in EXIF, 1 to 8


def picture(kind: Kind, size: tuple[int, int], frames: int = 1, orientation: int = 1) -> Facts:
    """Make the facts of a picture whose pixels have this size; UnreadableError for a bomb."""
    check_pixels(*size)
    if frames > MAX_FRAMES:
        raise UnreadableError("too many frames")
    width, height = reversed(size) if orientation >= 5 else size
    return Facts(kind, width, height, frames=frames, orientation=orientation)


def check_pixels(width: int, height: int) -> None:
    """Refuse a picture without any pixel, or with too many."""
    if not 0 < width * height <= MAX_PIXELS:
        raise UnreadableError(f"{width} × {height} pixels")
