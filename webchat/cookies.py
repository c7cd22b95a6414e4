"""The names of our cookies, so that no other site on this host reads or replaces them.

A browser sends a cookie to every port of a host, and one of path `/` to every path (RFC 6265, 5.1.4
and 8.5). So the names hold the port and the prefix that people see: `webchat_443_chat_sessionid`.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

from .base.places import DEFAULT_PORTS, Site

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest, HttpResponse

PREFIX_AT_MOST = 64  # characters of it; cookies of longer ones are told apart by their path, too
# The names that the first version gave them, which any Django site may use: read for one release
# more, so that the new names log nobody out, and never written.
OLD_NAMES = {
    "SESSION_COOKIE_NAME": "sessionid",
    "CSRF_COOKIE_NAME": "csrftoken",
    "LANGUAGE_COOKIE_NAME": "django_language",
}


def stem(site: Site | None, port: int) -> str:
    """Return the beginning of the names: the same in every worker, and after each start.

    `port` is the server's own, which people see in LAN mode.
    """
    if site is None:
        return f"webchat_{port}"
    seen = site.port or DEFAULT_PORTS[site.scheme]
    return f"webchat_{seen}{site.prefix.replace('/', '_')[:PREFIX_AT_MOST]}"


def adopt_old(cookies: MutableMapping[str, Any]) -> list[str]:
    """Let cookies under old names stand for missing new ones; return the settings concerned."""
    adopted = []
    for setting, old in OLD_NAMES.items():
        new = getattr(settings, setting)
        if old in cookies and new not in cookies:
            cookies[new] = cookies[old]
            adopted.append(setting)
    return adopted


def renew(request: HttpRequest, response: HttpResponse, adopted: list[str]) -> None:
    """Write adopted cookies under their new names, if they proved to be ours and still hold.

    The old ones stay: they may be another site's. A session that has ended is in no table, so
    that an old cookie cannot bring it back.
    """
    for setting in adopted:
        name = getattr(settings, setting)
        if name in response.cookies:  # a log-in or a log-out has just decided
            continue
        value, max_age = _PROVEN[setting](request)
        if value:
            write(response, name, value, max_age)


def write(response: HttpResponse, name: str, value: str, max_age: int | None) -> None:
    """Set one of our cookies for `max_age` seconds; None: until the browser is closed."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def seconds_of(session: SessionBase) -> int | None:
    """Return how long the cookie of a session is kept; None on a public computer."""
    return None if session.get_expire_at_browser_close() else session.get_expiry_age()


def _session_of(request: HttpRequest) -> tuple[str, int | None]:
    session = getattr(request, "session", None)
    # Nothing is looked up for this: an answer that did not ask for the session cannot prove it.
    if session is None or not session.accessed or not session.keys():
        return "", None
    return session.session_key or "", seconds_of(session)


def _token_of(request: HttpRequest) -> tuple[str, int | None]:
    return request.META.get("CSRF_COOKIE", ""), settings.CSRF_COOKIE_AGE


def _language_of(request: HttpRequest) -> tuple[str, int | None]:
    value = request.COOKIES[settings.LANGUAGE_COOKIE_NAME]
    is_known = value in dict(settings.LANGUAGES)
    return value if is_known else "", settings.LANGUAGE_COOKIE_AGE


_PROVEN = {
    "SESSION_COOKIE_NAME": _session_of,
    "CSRF_COOKIE_NAME": _token_of,
    "LANGUAGE_COOKIE_NAME": _language_of,
}
