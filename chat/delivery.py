"""The files of messages over HTTP: whole or in part, to those who may have them now."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe
from whitenoise.responders import SlicedFile

from accounts.http import UserRequest
from webchat import lent
from webchat.base.downloads import Part, Unsatisfiable, disposition, find_part
from webchat.middleware import FOR_A_DAY, FOR_ONE_BROWSER

from .access import get_message
from .attachments import MAGIC_BYTES, sniff_picture
from .media.names import clean_name
from .models import Attachment, Evidence, MediaKind
from .models.files import UNKNOWN, Content, attachments_folder
from .models.rows import PICTURES

# A film or sound that is opened directly is played by the browser's own page around it, which has
# a style and fetches it once more, with our cookies. No script runs there either.
PLAYED = (
    "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none';"
    " sandbox allow-same-origin"
)
LONG_BYTES = 256 * 1024  # more than that counts as a download; a page may show many shorter ones
# The types that browsers show or play, by what the bytes were found to be; all else is saved.
SHOWN: dict[str, tuple[str, ...]] = {
    MediaKind.PICTURE: PICTURES,
    MediaKind.VIDEO: ("video/mp4", "video/quicktime", "video/webm"),
    MediaKind.VOICE: ("audio/mp4", "audio/webm", "audio/ogg", "audio/mpeg", "audio/wav"),
}
HEADERS = {
    "Accept-Ranges": "bytes",
    # Opened directly, the file is a page of this origin: give it no rights.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A file as it is sent: `mimetype` is that of something to show, None of a file to save."""

    path: Path
    content: str  # a name that no other bytes will ever have
    mimetype: str | None
    name: str
    sent_at: datetime | None  # it has not changed since
    control: str = FOR_ONE_BROWSER  # where a browser may keep it

    def headers(self, request: UserRequest) -> dict[str, str]:
        digest = hashlib.sha256(self.content.encode()).hexdigest()
        name = clean_name(self.name)
        headers = HEADERS | {
            "ETag": quote_etag(digest[:32]),
            "Content-Type": self.mimetype or UNKNOWN,
            "Content-Disposition": disposition(name, is_inline=self.mimetype is not None),
        }
        if self.mimetype and self.mimetype.startswith(("video/", "audio/")):
            headers["Content-Security-Policy"] = PLAYED
        # At a public computer nothing stays on its disk, as of any page.
        if not request.session.get_expire_at_browser_close():
            headers["Cache-Control"] = self.control
        return headers


@require_safe
def attachment(request: UserRequest, pk: int) -> HttpResponseBase:
    """Serve the file of a message to the two in its conversation, while they may read it."""
    found = _find(request, pk)
    content = found.sha256 or found.file
    what = _Delivery(found.path, content, _shown_type(found), found.name, found.message.sent_at)
    return _deliver(request, what)


@require_safe
def preview(request: UserRequest, pk: int) -> HttpResponseBase:
    """Serve the small picture of a message to the same two."""
    found = _find(request, pk)
    if found.preview_path is None:
        raise Http404
    name = f"{Path(found.name).stem}.webp"
    sent_at = found.message.sent_at
    what = _Delivery(found.preview_path, found.preview, "image/webp", name, sent_at)
    return _deliver(request, what)


def deliver_evidence(
    request: UserRequest, found: Evidence, *, is_preview: bool
) -> HttpResponseBase:
    """Send the file of a report, or its small picture: a picture to look at, all else to save.

    Whoever calls this has asked whether they may see it.
    """
    at = found.report.created_at
    if is_preview:
        if found.preview_path is None:
            raise Http404
        what = _Delivery(found.preview_path, found.preview, "image/webp", found.name, at)
    else:
        shown = _shown_type(found)
        shown = shown if shown in PICTURES else None
        what = _Delivery(found.path, found.file, shown, found.name, at)
    return _deliver(request, what)


def deliver_face(request: UserRequest, name: str) -> HttpResponseBase:
    """Send a profile picture to somebody who may see it.

    Another one has another name, so a browser may show it for a day without asking: pages are full
    of them.
    """
    what = _Delivery(
        attachments_folder() / name, name, "image/webp", "avatar.webp", None, FOR_A_DAY
    )
    return _deliver(request, what)


def _find(request: UserRequest, pk: int) -> Attachment:
    _thread, message = get_message(request.user, pk)
    if message.state != "sent":
        raise Http404
    return get_object_or_404(Attachment.objects.select_related("message"), message=message)


def _shown_type(found: Content) -> str | None:
    if found.sha256:
        return found.mimetype if found.mimetype in SHOWN.get(found.kind, ()) else None
    # Of an earlier release, which went by its name: its first bytes decide.
    if not found.is_picture:
        return None
    with _open(found.path) as file:
        return sniff_picture(file.read(MAGIC_BYTES))


def _deliver(request: UserRequest, what: _Delivery) -> HttpResponseBase:
    headers = what.headers(request)
    sent_at = int(what.sent_at.timestamp()) if what.sent_at else None
    response = get_conditional_response(request, headers["ETag"], sent_at) or _send(
        request, what.path, headers
    )
    for name, value in headers.items():
        response[name] = value
    if response.has_header("X-Accel-Redirect"):
        del response["Accept-Ranges"]  # nginx says so itself
    return response


def _send(request: UserRequest, path: Path, headers: dict[str, str]) -> HttpResponseBase:
    file = _open(path)
    found = os.fstat(file.fileno())
    if place := lent.place_of(request, path, found):
        file.close()
        return HttpResponse(headers={"X-Accel-Redirect": place})
    try:
        size = found.st_size
        part = _asked_part(request, size, headers["ETag"])
    except Unsatisfiable:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    sent = part or Part(0, size - 1)
    # Bytes of its own, so that the server can send them from the disk.
    response = FileResponse(SlicedFile(file, sent.first, sent.last), status=206 if part else 200)
    response["Content-Length"] = str(sent.length)
    if part:
        response["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    if sent.length > LONG_BYTES:
        request.META["webchat.is_download"] = True
    return response


def _asked_part(request: UserRequest, size: int, etag: str) -> Part | None:
    """Return the part that is asked for; after a change of the file, all of it is sent."""
    is_current = request.headers.get("If-Range", etag) == etag
    if request.method != "GET" or not is_current:
        return None
    return find_part(request.headers.get("Range", ""), size)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError:
        raise Http404 from None
