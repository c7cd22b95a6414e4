"""The files of messages as pages show them, and one line about each."""

from __future__ import annotations

import math
from itertools import accumulate
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
# Half-width characters of a name for which a bubble has room; of the ends of one that is longer.
ROOM, BEGINNING, END = 34, 20, 12
WIDE = "\u2e80"  # from here on, most characters are twice as wide
# Files that have a colour of their own.
FAMILIES = {
    "document": "doc docx odt wps rtf txt md",
    "table": "xls xlsx ods et csv",
    "slides": "ppt pptx odp dps key",
    "pdf": "pdf",
    "archive": "zip rar 7z tar gz bz2 xz",
    "picture": "jpg jpeg png gif webp heic heif tif tiff svg psd dng",
    "film": "mp4 mov mkv avi webm wmv flv",
    "sound": "mp3 wav m4a flac ogg aac wma",
}
FAMILY_OF = {each.upper(): name for name, known in FAMILIES.items() for each in known.split()}
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
    pixels: str = ""  # of the file itself
    length: str = ""
    voice: str = ""
    extension: str = ""
    family: str = ""
    short: str = ""  # name
    size: str = ""


FILE = Stencil("chat/_attachment.html", FileRow._fields)


def show_file(view: AttachmentView, *, in_full: bool = False) -> SafeString:
    """Show a file as a bubble does, or with its name `in_full` where there is room for it."""
    row = _row(view)
    return FILE.fill([row._replace(short=row.name) if in_full else row])


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
    pixels = f"{view.width}x{view.height}" if view.width and view.height else ""
    row = FileRow(url=view.url or "", name=view.name, pixels=pixels)
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
    extension = extension_of(view.name)
    family = FAMILY_OF.get(extension, "other")
    return row._replace(extension=extension, family=family, short=short_name(view.name), size=size)


def short_name(name: str) -> str:
    """Leave out the middle of a long name: its end says what it is."""
    if len(name) <= ROOM // 2 or _width(name) <= ROOM:
        return name
    beginning, end = _fitting(name, BEGINNING), _fitting(name[::-1], END)[::-1]
    return f"{beginning}…{end}"


def _width(text: str) -> int:
    return sum(2 if each >= WIDE else 1 for each in text)


def _fitting(text: str, room: int) -> str:
    widths = accumulate(2 if each >= WIDE else 1 for each in text[:room])
    return text[: sum(width <= room for width in widths)]


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
    shown = show_file(view.attachment, in_full=True) if view.attachment else SafeString()
    return GalleryItem(
        view.id, view.attachment.name if view.attachment else "", view.name, view.time, shown
    )
