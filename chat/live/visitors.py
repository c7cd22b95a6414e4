"""The people behind sockets: their identity, and the check whether they may stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from django.utils.translation import get_language_from_request

from accounts.identity import Owner, owner_of
from accounts.models import User
from webchat.cookies import adopt_old
from webchat.database.questions import Listing, given, given_several
from webchat.middleware import is_lan_name, is_trusted_proxy
from webchat.serving.bridge import Scope

QUERY_AT_MOST = 500  # visitors in one query


class Valid(NamedTuple):
    """What stands for a visitor as long as it is there unchanged: a session, an account."""

    key: str | int
    value: str  # the session's data, the password's hash


SESSIONS = Listing(
    lambda: Session.objects.filter(
        session_key__in=given_several("keys"), expire_date__gt=given("now")
    ).values_list("session_key", "session_data"),
    Valid,
)
ACCOUNTS = Listing(
    lambda: User.objects.filter(
        pk__in=given_several("ids"), is_active=True, must_change_password=False
    ).values_list("pk", "password"),
    Valid,
)


@dataclass(slots=True, eq=False)
class Visitor:
    user: User
    session_key: str
    session_data: str  # as it was when last found valid
    language: str


def is_foreign(scope: Scope) -> bool:
    """Whether a page of another site opens this socket. Only browsers send an Origin."""
    headers = _headers(scope)
    origin = headers.get("origin")
    if origin is None:
        return False
    if settings.SITE is not None and origin == settings.SITE.origin:
        return False
    host = headers.get("host", "")
    if not _is_our_name(split_domain_port(host)[0]):
        return True
    return origin.lower() != f"{_scheme(scope, headers)}://{host}".lower()


def identify(scope: Scope) -> Visitor | None:
    """Find the person by the session cookie of the handshake. In a thread, as it queries."""
    headers = _headers(scope)
    request = HttpRequest()
    request.COOKIES = parse_cookie(headers.get("cookie", ""))
    adopt_old(request.COOKIES)
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get("accept-language", "")
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    owner = _welcome(key)
    if owner is None:
        return None
    return Visitor(owner.user, key, owner.session_data, get_language_from_request(request))


def find_ended(visitors: Sequence[Visitor]) -> list[Visitor]:
    """Find those who may not stay: logged out, expired, banned, deleted, password changed."""
    ended = []
    for start in range(0, len(visitors), QUERY_AT_MOST):
        some = visitors[start : start + QUERY_AT_MOST]
        keys, ids = {each.session_key for each in some}, {each.user.pk for each in some}
        sessions = dict(SESSIONS.all(keys=keys, now=timezone.now()))
        passwords = dict(ACCOUNTS.all(ids=ids))
        for visitor in some:
            session_data = sessions.get(visitor.session_key)
            is_as_before = (
                session_data == visitor.session_data
                and passwords.get(visitor.user.pk) == visitor.user.password
            )
            if not is_as_before and not _is_still_good(visitor, session_data):
                ended.append(visitor)
    return ended


def _is_still_good(visitor: Visitor, session_data: str | None) -> bool:
    """Check somebody again whose session or password has changed."""
    owner = _welcome(visitor.session_key)
    if session_data is None or owner is None or owner.user.pk != visitor.user.pk:
        return False
    visitor.user, visitor.session_data = owner.user, session_data
    return True


def _welcome(session_key: str) -> Owner | None:
    """Find the owner of a session; nobody for one who may not chat."""
    owner = owner_of(session_key)
    # Somebody who has to choose a password first gets nothing but the page for it.
    return None if owner is None or owner.user.must_change_password else owner


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _scheme(scope: Scope, headers: dict[str, str]) -> str:
    peer = (scope.get("client") or ("", 0))[0]
    if settings.BEHIND_PROXY and is_trusted_proxy(peer):
        forwarded = headers.get("x-forwarded-proto", "").strip().lower()
        if forwarded in ("http", "https"):
            return forwarded
    return "https" if scope.get("scheme") in ("wss", "https") else "http"


def _is_our_name(name: str) -> bool:
    if settings.SITE is not None:
        return validate_host(name, settings.ALLOWED_HOSTS)
    return is_lan_name(name)
