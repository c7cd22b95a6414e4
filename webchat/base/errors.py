"""Answers when something is wrong: JSON below `api/`, a page elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from webchat.database.trouble import is_database_trouble

from . import api

BODY_BYTES = 1024 * 1024  # of a longer body, the server keeps nothing

RETRY_SECONDS = 2  # a lock is gone by then; a full disk is not, and the client backs off itself

logger = logging.getLogger(__name__)


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    logger.error("The database refused at %s: %s", request.path, error)
    if api.is_api(request):
        message = _("The server is busy. Please try again in a moment.")
        return api.refuse("unavailable", message, RETRY_SECONDS)
    response = _page("503.html", 503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def too_many(request: HttpRequest, refusal: ValidationError) -> HttpResponse:
    """Answer a client over a budget, or with as much under way as one may have."""
    if api.is_api(request):
        return api.refuse_invalid(refusal)
    is_posted = request.method == "POST"
    response = _page("429.html", 429, reason=refusal.messages[0], is_posted=is_posted)
    response["Retry-After"] = str((refusal.params or {})["retry_after"])
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    too_large = isinstance(exception, RequestDataTooBig)
    if not api.is_api(request):
        status = 413 if too_large else 400
        return _page("400.html", status, too_large=too_large)
    if too_large:
        return api.refuse("too_large", _("That is too large."))
    return api.refuse("invalid", _("The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if api.is_api(request):
        return api.refuse("forbidden", _("You may not do that."))
    return _page("403.html", 403, request)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if api.is_api(request):
        return api.not_found()
    return _page("404.html", 404, request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer as a last resort; errors of middleware (an unsavable session) end here, too."""
    error = sys.exc_info()[1]
    if error and is_database_trouble(error):
        return unavailable(request, error)
    if api.is_api(request):
        return api.refuse("server_error", _("Something went wrong on the server."))
    return _page("500.html", 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if api.is_api(request):
        message = _("This page is out of date. Please reload it and try again.")
        return api.refuse("csrf", message)
    if _is_unread(request):
        return _page("400.html", 413, too_large=True)
    return _page("403_csrf.html", 403)


def _is_unread(request: HttpRequest) -> bool:
    """Return whether the body was too long to be kept: then its token is missing, too."""
    return int(request.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES


def _page(
    template: str, status: int, request: HttpRequest | None = None, **context: Any
) -> HttpResponse:
    """Render an error page; without a request it needs neither session nor database."""
    return HttpResponse(render_to_string(template, context, request), status=status)
