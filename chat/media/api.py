"""Uploads as JSON; a piece comes as its bytes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404

from accounts.http import UserRequest
from chat.models import MediaKind, Upload
from chat.models.uploads import upload_of
from chat.presentation import AttachmentView
from webchat.base.numbers import integer

from . import processing, receiving
from .waiting import has_waited


def begin(request: UserRequest) -> tuple[dict[str, Any], int]:
    data = request.json  # type: ignore[attr-defined]
    announced = receiving.Announced.parse(
        client_id=data.get("id"),
        name=data.get("name"),
        size=data.get("size"),
        kind=data.get("kind"),
    )
    upload, is_new = receiving.begin(owner=request.user, announced=announced)
    answer = {"received": upload.received, "piece": receiving.PIECE}
    return answer, 201 if is_new else 200


def look(request: UserRequest, client_id: UUID) -> dict[str, Any]:
    upload = _of(request, client_id)
    return {"received": upload.received, "state": upload.state}


def put(request: UserRequest, client_id: UUID) -> dict[str, Any]:
    upload = _of(request, client_id)
    offset = integer(request.GET.get("offset"), name="offset")
    piece = request.bytes  # type: ignore[attr-defined]
    return {"received": receiving.take_piece(upload=upload, offset=offset, piece=piece)}


def finish(request: UserRequest, client_id: UUID) -> tuple[dict[str, Any], int]:
    """Answer when the file can be sent; after some seconds, that it is being processed.

    Where the server can wait without this thread, the request is run again then.
    """
    upload = _of(request, client_id)
    processing.close(upload)
    if upload.state == Upload.State.PROCESSING and not _has_waited(request, upload):
        return {"state": upload.state}, 202
    upload = _of(request, client_id)
    processing.close(upload)  # the disk has lost it: the rest is to be sent again
    if upload.state == Upload.State.PROCESSING:
        return {"state": upload.state}, 202
    return _show(upload), 200


def take_whole(request: UserRequest, client_id: UUID, file: UploadedFile) -> Upload | None:
    """Take a file that came with a form; None if the request has to wait, and is run once more.

    Raises the ValidationErrors of the other ways.
    """
    upload = receive_whole(request, client_id, file)
    if upload.state == Upload.State.PROCESSING and not _has_waited(request, upload):
        return None
    return _of(request, client_id)


def receive_whole(request: UserRequest, client_id: UUID, file: UploadedFile) -> Upload:
    """Take the bytes of a file that came with a form; somebody has to process it then."""
    mimetype = file.content_type or ""
    kind = MediaKind.PICTURE if mimetype.startswith("image/") else MediaKind.FILE
    kind = MediaKind.VIDEO if mimetype.startswith("video/") else kind
    content = file.read()
    announced = receiving.Announced.parse(
        client_id=str(client_id), name=file.name, size=len(content), kind=kind.value
    )
    upload, _is_new = receiving.begin(owner=request.user, announced=announced)
    if upload.state == Upload.State.OPEN:
        receiving.take_piece(upload=upload, offset=0, piece=content)
        upload = _of(request, client_id)
        processing.close(upload)
    return upload


def _has_waited(request: UserRequest, upload: Upload) -> bool:
    return has_waited(request, processing.job_of(upload))


def _show(upload: Upload) -> dict[str, Any]:
    """Return A, without addresses; `notice` says why it is not of the kind that was announced."""
    shown = {"attachment": AttachmentView.of(upload, name=upload.name, url=None).as_json()}
    return shown | {"notice": upload.why} if upload.why else shown


def give_up(request: UserRequest, client_id: UUID) -> dict[str, Any]:
    receiving.give_up(upload=_of(request, client_id))
    return {}


def _of(request: UserRequest, client_id: UUID) -> Upload:
    upload = upload_of(request.user, client_id)
    if upload is None:
        raise Http404
    return upload
