"""The API of notices and announcements."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404

from accounts.http import UserRequest
from webchat.base.numbers import integer
from webchat.database.snapshot import read_snapshot

from . import services
from .presentation import look_pending


def notices(request: UserRequest) -> dict[str, Any]:
    with read_snapshot():
        pending = look_pending(request.user)
    return {"notices": pending.notices, "announcements": pending.announcements}


def confirm(request: UserRequest, pk: int) -> dict[str, Any]:
    services.confirm(notice=get_object_or_404(request.user.notices, pk=pk))
    return {}


def see_announcements(request: UserRequest) -> dict[str, Any]:
    up_to = integer(request.json.get("up_to"), name="up_to")  # type: ignore[attr-defined]
    services.see_announcements(user=request.user, up_to=up_to)
    return {}
