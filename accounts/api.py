"""Accounts as JSON."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from webchat.middleware import client_address

from . import budgets, services


def username_available(request: HttpRequest) -> dict[str, Any]:
    """Tell whether a newcomer could have the name, with the reason for the reader if not.

    Raises ValidationError("rate_limited").
    """
    budgets.NAME_CHECKS.take(client_address(request))
    try:
        services.check_available(request.GET.get("username", ""))
    except ValidationError as error:
        return {"available": False, "reason": error.messages[0]}
    return {"available": True, "reason": None}
