"""Orders to the workshop about a file, and its answers."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

MAX_SECONDS = 7 * 24 * 3600  # of a film or a sound
MAX_NUMBER = 2**53 - 1  # that JSON can say to everybody (RFC 8259, 6)


class Kind(StrEnum):
    """How a file is shown to those who see it; FACE is a profile picture."""

    PICTURE = "picture"
    VIDEO = "video"
    VOICE = "voice"
    FILE = "file"
    FACE = "face"


class Why(StrEnum):
    """The reason why a file is not of the kind that it should be."""

    NONE = ""
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"  # more pixels, frames or memory than a picture may have


class Box(NamedTuple):
    """A square of a picture as it is shown, in its pixels."""

    left: int
    top: int
    side: int


class Order(NamedTuple):
    """A file, the kind that it should be of, and where to put what is made of it.

    Only a picture has a preview. A face is cut to its `box`, or to the square in its middle.
    Without a target the file stays as it is, and is only measured.
    """

    kind: Kind
    source: str
    target: str
    preview: str = ""
    box: Box | None = None


class Processed(NamedTuple):
    """A file as it turned out to be.

    A file that is clean has lost the places and devices in its metadata, whatever its kind; one
    that is not could not be understood, so it is a FILE, and `mimetype` says nothing of it. The
    type of a clean FILE is told by its bytes, but it is not fit to be shown in a page.
    """

    kind: Kind
    mimetype: str
    size: int
    sha256: str
    width: int | None = None  # as shown; a FILE has none
    height: int | None = None
    duration: float | None = None  # in seconds; a FILE has none
    has_preview: bool = False
    is_clean: bool = False
    why: Why = Why.NONE  # a FILE was to be something else

    def stored(self, order: Order) -> str:
        """Return the path of the content: the target, or the source of what was not cleaned.

        Nothing is copied for the latter, so the caller renames it. Otherwise the source is not
        needed any more.
        """
        return order.target if self.is_clean else order.source


def known_duration(seconds: float | None) -> float | None:
    """Return a duration; None if it is one that no file has, as infinite."""
    return seconds if seconds is not None and 0 < seconds <= MAX_SECONDS else None
