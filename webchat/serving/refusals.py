"""Answers of the server itself, before Django has a request or after its answer failed."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, parse_cookie
from django.utils.functional import Promise
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext_lazy as _

Message = MutableMapping[str, Any]

RETRY_SECONDS = 5
TEXTS: dict[int, tuple[str, Promise]] = {
    408: ("too_slow", _("The request came too slowly.")),
    429: (
        "rate_limited",
        _("You have too many downloads under way. Please wait until one of them has ended."),
    ),
    503: ("unavailable", _("The server is busy. Please try again in a moment.")),
}


def refuse(scope: MutableMapping[str, Any], status: int) -> list[Message]:
    """Return the messages of a short answer, JSON below `api/`; the connection ends with it."""
    code, text = TEXTS[status]
    with override(_language(scope)):
        message = str(text)
    if scope["path"].removeprefix(settings.PREFIX).startswith("/api/"):
        kind, body = "application/json", json.dumps({"error": {"code": code, "message": message}})
    else:
        kind, body = "text/plain; charset=utf-8", message
    headers = {"content-type": kind, "content-length": str(len(body.encode()))}
    headers |= {"cache-control": "no-store", "connection": "close"}
    if status in (429, 503):
        headers["retry-after"] = str(RETRY_SECONDS)
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return [
        {"type": "http.response.start", "status": status, "headers": raw},
        {"type": "http.response.body", "body": body.encode()},
    ]


def _language(scope: MutableMapping[str, Any]) -> str:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    request = HttpRequest()
    request.COOKIES = parse_cookie(headers.get(b"cookie", ""))
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", "")
    return get_language_from_request(request)
