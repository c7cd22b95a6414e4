"""The files of messages: their types, their audience, and their deletion."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import FileResponse, Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.http import UserRequest

from . import downloads
from .access import get_message
from .models import Attachment, Upload
from .models.files import attachments_folder, previews_folder

# The first bytes of the pictures that are shown inline; everything else is downloaded.
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)
MAGIC_BYTES = 12
LONG_BYTES = 256 * 1024  # a larger file counts as a download; a page may show many smaller ones
# A file is written before the transaction that refers to it commits.
ORPHAN_SECONDS = 24 * 3600


def sniff_picture(head: bytes) -> str | None:
    """Tell the type of a picture that is shown inline from its first bytes."""
    for magic, offset, mimetype in MAGIC:
        if head[offset:].startswith(magic) and (offset == 0 or head.startswith(b"RIFF")):
            return mimetype
    return None


@require_safe
@never_cache
def attachment(request: UserRequest, pk: int) -> HttpResponseBase:
    """Serve the file of a message to the two in its conversation, while they may read it."""
    _thread, message = get_message(request.user, pk)
    found = get_object_or_404(Attachment, message=message)
    if message.state != "sent":
        raise Http404
    answer = partial(_answer, found)
    try:
        is_long = found.path.stat().st_size > LONG_BYTES
        return downloads.begin(request, answer) if is_long else answer()
    except FileNotFoundError:
        raise Http404 from None


def _answer(found: Attachment) -> FileResponse:
    file = found.path.open("rb")
    picture = sniff_picture(file.read(MAGIC_BYTES)) if found.is_picture else None
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=picture is None,
        filename=found.name,
        content_type=picture or "application/octet-stream",
        headers={
            # Opened directly, the file is a page of this origin: give it no rights.
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            # Uncompressed, so that the server can send it from the disk, with a known length.
            "Content-Encoding": "identity",
        },
    )


@receiver(post_delete, sender=Attachment, dispatch_uid="chat_attachment_file")
def after_deletion(instance: Attachment, **kwargs: Any) -> None:
    for path in filter(None, (instance.path, instance.preview_path)):
        transaction.on_commit(partial(path.unlink, missing_ok=True))


def find_orphans(age: float = ORPHAN_SECONDS) -> list[Path]:
    """Find the files without a message, which a kill between two writes leaves behind."""
    found = {
        "file": list(_old_files(attachments_folder(), age)),
        "preview": list(_old_files(previews_folder(), age)),
    }
    orphans = []
    for column, paths in found.items():
        names = {
            name
            for model in (Attachment, Upload)
            for name in model._default_manager.values_list(column, flat=True)
        }
        orphans += [path for path in paths if path.name not in names]
    return orphans


def sweep_orphans() -> int:
    """Delete the orphans, and return how many there were."""
    orphans = find_orphans()
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def _old_files(folder: Path, age: float) -> Iterable[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_file() and time.time() - path.stat().st_mtime > age:
            yield path
