"""The general budgets for all requests, which nobody at a page ever reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from accounts import budgets
from webchat.base import errors
from webchat.middleware import client_address

GetResponse = Callable[[HttpRequest], HttpResponse]

SENDS = {"chat:api_messages", "chat:conversation"}  # SEND_RATE counts POSTs to these
PIECES = "chat:api_upload"  # a PUT is one, of which a file has hundreds
UNCOUNTED = {"healthz", "readyz"}  # asked by machines; they cost next to nothing
READS = ("GET", "HEAD", "OPTIONS")


class BudgetMiddleware:
    """Refuse requests over the general budget of an account or address; some µs, in memory."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in UNCOUNTED:
            return None
        try:
            _take(
                request,
                is_send=name in SENDS and request.method == "POST",
                is_piece=name == PIECES and request.method == "PUT",
            )
        except ValidationError as refusal:
            return errors.too_many(request, refusal)
        return None


def _take(request: HttpRequest, *, is_send: bool, is_piece: bool) -> None:
    writes = request.method not in READS and not is_send
    if not request.user.is_authenticated:
        budgets.REQUESTS_BY_ADDRESS.take(client_address(request))
        if writes:
            budgets.WRITES_BY_ADDRESS.take(client_address(request))
        return
    if is_send and settings.SEND_RATE is None:
        return
    budgets.REQUESTS.take(request.user.pk)
    if is_piece:
        budgets.PIECES.take(request.user.pk)
    elif writes:
        budgets.WRITES.take(request.user.pk)
