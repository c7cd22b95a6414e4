"""One's profile picture as JSON."""

from __future__ import annotations

from functools import partial
from typing import Any

from accounts.avatars import face_url
from accounts.http import UserRequest
from accounts.models import User
from chat.media.processing import Job
from chat.media.waiting import busy, has_waited
from chat.sending.drafts import parse_client_id

from . import services


def choose(request: UserRequest) -> tuple[dict[str, Any], int]:
    """Take an upload; where the server can wait without this thread, the request is run again."""
    owner = request.user
    value = request.json.get("upload")  # type: ignore[attr-defined]
    client_id = parse_client_id(value, name="upload")
    upload = services.find_upload(owner=owner, client_id=client_id)
    if not upload.is_face:
        work = partial(services.choose, owner=owner, client_id=client_id)
        if not has_waited(request, Job(("face", upload.pk), owner.pk, work)):
            return {}, 202
        if not services.find_upload(owner=owner, client_id=client_id).is_face:
            raise busy()
    return _avatar_of(owner), 200


def remove(request: UserRequest) -> dict[str, Any]:
    services.remove(user=request.user)
    return {"avatar": None}


def _avatar_of(user: User) -> dict[str, Any]:
    """Return it as it is now: another tab may have chosen another one since."""
    faces = User.objects.filter(pk=user.pk).values_list("face", flat=True)
    return {"avatar": face_url(faces.first() or "")}
