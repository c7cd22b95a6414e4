from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404

from accounts.http import UserRequest
from chat.access import get_message
from chat.models import Report
from friends.access import get_friendship
from webchat.base.api import fill, integer
from webchat.database.snapshot import read_snapshot

from . import services
from .forms import ReportForm
from .presentation import look_pending


def report_message(request: UserRequest, pk: int) -> tuple[dict[str, Any], int]:
    thread, message = get_message(request.user, pk)
    reason = fill(ReportForm, request).cleaned_data["reason"]
    return _answer(
        *services.report_message(
            reporter=request.user, thread=thread, message=message, reason=reason
        )
    )


def report_person(request: UserRequest, username: str) -> tuple[dict[str, Any], int]:
    friendship = get_friendship(request.user, username)
    reason = fill(ReportForm, request).cleaned_data["reason"]
    return _answer(
        *services.report_person(reporter=request.user, friendship=friendship, reason=reason)
    )


def _answer(report: Report, is_new: bool) -> tuple[dict[str, Any], int]:
    state = "open" if report.is_open else "closed"
    return {"report": {"id": report.pk, "state": state}}, 201 if is_new else 200


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
