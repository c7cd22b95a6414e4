"""Uploads as JSON; a piece comes as its bytes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404

from accounts.http import UserRequest
from chat.models import Upload
from webchat.base.numbers import integer

from . import receiving


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


def give_up(request: UserRequest, client_id: UUID) -> dict[str, Any]:
    receiving.give_up(upload=_of(request, client_id))
    return {}


def _of(request: UserRequest, client_id: UUID) -> Upload:
    return get_object_or_404(Upload, owner=request.user, client_id=client_id)
