from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from webchat.base import api
from webchat.serving import turns

from . import sessions
from .models import User

GetResponse = Callable[[HttpRequest], HttpResponse]

# Still open to somebody who has to change the password first.
OPEN_MEANWHILE = {
    "accounts:password_change",
    "accounts:logout",
    "accounts:language",
    "admin:logout",
    "healthz",
    "readyz",
}


class OwnerMiddleware(AuthenticationMiddleware):
    """Django's own middleware, but for a user who has come along with the session's row."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(partial(_user_of, request))  # type: ignore[assignment]


def _user_of(request: HttpRequest) -> Any:
    """Find the user of a request; from then on it needs no wrapper that finds them."""
    request.user = request.session.proven_owner() or get_user(request)  # type: ignore[attr-defined]
    return request.user


class SeenMiddleware:
    """Middleware that notes whose sessions are in use, once a view has asked for them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        session = request.session
        if not session.accessed:
            return response
        if session.session_key and SESSION_KEY in session:
            sessions.note_seen(session.session_key)
            self._tell_server(request)
        else:
            turns.forget(request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""))
        return response

    def _tell_server(self, request: HttpRequest) -> None:
        """Let the connection, and the session from now on, count as this person's."""
        user = request.user
        if user.is_authenticated:
            request.META["webchat.user_id"] = user.pk
            turns.introduce(request.session.session_key or "", user.pk)


class PasswordChangeMiddleware:
    """Middleware that lets people with a password from a slip of paper do nothing but change it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is not None and match.view_name in OPEN_MEANWHILE:
            return None
        if not getattr(request.user, "must_change_password", False):
            return None
        if api.is_api(request):
            return api.refuse("forbidden", _("Please change your password first."))
        return redirect("accounts:password_change")


class DeletedAccountMiddleware:
    """Middleware for an account deleted in one tab while another tab was still at work."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return None
        if User.objects.filter(pk=user.pk).exists():
            return None
        request.session.flush()
        if api.is_api(request):
            return api.refuse("not_authenticated", _("Please log in."))
        return redirect("accounts:login")
