from __future__ import annotations

from typing import Any

from accounts.http import UserRequest
from chat.access import get_message
from chat.models import Report
from friends.access import get_friendship
from webchat.base.api import fill

from . import services
from .forms import ReportForm


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
