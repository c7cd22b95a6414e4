"""The facts of a file, and the error for one that cannot be read."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

# The cameras that are sold as "64 megapixels" make up to 9,280 × 6,944.
MAX_PIXELS = 64 * 1024 * 1024  # of a picture that is decoded, here or by those who look at it
MAX_FRAMES = 1000


class UnreadableError(Exception):
    """The file cannot be read to its end, or asks for more than any file needs."""


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
    """The facts of a picture, a film or a sound."""

    mimetype: Kind
    width: int = 0  # as shown, after the orientation; 0 if it has none
    height: int = 0
    duration: float = 0.0  # in seconds; 0 if unknown
    frames: int = 1  # of an animated picture; 1 for all else
    orientation: int = 1  # as in EXIF, 1 to 8
    largest: int = 0  # pixels of the largest frame, which may be larger than the whole

    @property
    def is_too_large(self) -> bool:
        """Whether it has more pixels or frames than may be decoded."""
        pixels = max(self.width * self.height, self.largest)
        return pixels > MAX_PIXELS or self.frames > MAX_FRAMES


def picture(
    kind: Kind, size: tuple[int, int], frames: int = 1, orientation: int = 1, largest: int = 0
) -> Facts:
    """Make the facts of a picture whose pixels have this size."""
    count_pixels(*size)
    width, height = reversed(size) if orientation >= 5 else size
    return Facts(kind, width, height, frames=frames, orientation=orientation, largest=largest)


def count_pixels(width: int, height: int) -> int:
    """Return the number of pixels; UnreadableError if there is none."""
    if not width * height:
        raise UnreadableError(f"{width} × {height} pixels")
    return width * height
