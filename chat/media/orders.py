"""What the workshop is asked to make of a file, and what it answers."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a file is for those who see it; FACE is a profile picture."""

    PICTURE = "picture"
    VIDEO = "video"
    VOICE = "voice"
    FILE = "file"
    FACE = "face"


class Box(NamedTuple):
    """A square of a picture as it is shown, in its pixels."""

    left: int
    top: int
    side: int


class Order(NamedTuple):
    """A file, the kind that it should be of, and where to put what is made of it.

    Only a picture has a preview. A face is cut to its `box`, or to the square in its middle.
    """

    kind: Kind
    source: str
    target: str
    preview: str = ""
    box: Box | None = None


class Processed(NamedTuple):
    """What a file turned out to be.

    If `kind` is FILE, its content is that of the source, which stays in its place for the caller to
    rename: nothing is copied. For all others it is in the target, and the source is not needed.
    """

    kind: Kind
    mimetype: str
    size: int
    sha256: str
    width: int | None = None  # as shown
    height: int | None = None
    duration: float | None = None  # in seconds
    has_preview: bool = False

    def stored(self, order: Order) -> str:
        """Return the path of the content."""
        return order.source if self.kind is Kind.FILE else order.target
