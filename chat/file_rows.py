"""The files of messages as pages show them, and one line about each."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import NamedTuple

from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from webchat.base.stencils import Stencil

from .models import MediaKind
from .presentation import AttachmentView, MessageView

NAME_AT_MOST = 60  # characters in the list of chats
EXTENSION_AT_MOST = 5
# A picture fits into this box, and may be cut to be no narrower than a finger.
WIDEST, HIGHEST, NARROWEST = 220, 280, 60  # px
LONG_VOICES = (5, 10, 20, 40)  # seconds; a longer one has a longer bubble
LINES = {
    MediaKind.PICTURE: gettext_noop("[Picture]"),
    MediaKind.VIDEO: gettext_noop("[Video]"),
    MediaKind.VOICE: gettext_noop("[Voice]"),
}


class FileRow(NamedTuple):
    """The values of chat/_attachment.html."""

    url: str
    name: str
    is_picture: bool = False
    is_video: bool = False
    is_voice: bool = False
    source: str = ""
    width: str = ""
    height: str = ""
    length: str = ""
    voice: str = ""
    extension: str = ""
    size: str = ""


FILE = Stencil("chat/_attachment.html", FileRow._fields)


def show_file(view: AttachmentView) -> SafeString:
    return FILE.fill([_row(view)])


def line_of(view: AttachmentView) -> str:
    """Say in one line what the file is."""
    if view.kind == MediaKind.FILE:
        return label_of(view) + Truncator(view.name).chars(NAME_AT_MOST)
    return _(LINES[MediaKind(view.kind)])


def label_of(view: AttachmentView) -> str:
    """Say what kind of file it is, before its name."""
    if view.kind == MediaKind.FILE:
        return _("[File] %(name)s") % {"name": ""}
    return _(LINES[MediaKind(view.kind)]) + " "


def _row(view: AttachmentView) -> FileRow:
    row = FileRow(url=view.url or "", name=view.name)
    if view.kind == MediaKind.PICTURE:
        width, height = fit(view.width, view.height)
        source = view.preview or row.url
        return row._replace(is_picture=True, source=source, width=width, height=height)
    if view.kind == MediaKind.VIDEO:
        width, height = fit(view.width, view.height)
        length = in_minutes(view.duration)
        return row._replace(is_video=True, width=width, height=height, length=length)
    if view.kind == MediaKind.VOICE:
        seconds = seconds_of(view.duration)
        return row._replace(is_voice=True, length=str(seconds), voice=f"voice-{_voice(seconds)}")
    size = "" if view.size is None else filesizeformat(view.size)
    return row._replace(extension=extension_of(view.name), size=size)


def fit(width: int | None, height: int | None) -> tuple[str, str]:
    """Fit a picture into its box, in pixels of the page; empty if its size is not known."""
    if not width or not height:
        return "", ""
    scale = min(WIDEST / width, HIGHEST / height, 1)
    return str(max(NARROWEST, round(width * scale))), str(max(NARROWEST, round(height * scale)))


def in_minutes(seconds: float | None) -> str:
    """Write a length as 1:05."""
    return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def seconds_of(duration: float | None) -> int:
    """Return the seconds of a voice message, of which each has one at least."""
    return max(1, math.ceil(duration or 0))


def _voice(seconds: int) -> int:
    return sum(seconds > least for least in LONG_VOICES)


def extension_of(name: str) -> str:
    extension = PurePath(name).suffix[1:].upper()
    return extension if extension.isalnum() and len(extension) <= EXTENSION_AT_MOST else ""


class GalleryItem(NamedTuple):
    """A file in the page of all files of a conversation."""

    id: int
    name: str
    sender: str
    time: str
    file: SafeString


def gallery_item(view: MessageView) -> GalleryItem:
    shown = show_file(view.attachment) if view.attachment else SafeString()
    return GalleryItem(
        view.id, view.attachment.name if view.attachment else "", view.name, view.time, shown
    )
