"""The last person at this browser, known by a cookie that outlives their session.

At a shared computer the pages of one person may be open when the next logs in: the path in
`next` is for nobody but the person before. A mark that says `here`, though nobody is logged in,
tells of a session that was ended elsewhere; the log-in page says so, and fills in their name but
at a public computer.
The mark is no key: nothing is granted by it. It is signed, so that nobody learns of accounts by
making marks up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.signing import BadSignature, Signer
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from webchat import cookies
from webchat.base.numbers import parse_id

from .backends import BANNED
from .models import User

NOTE = "webchat.last_person"  # in META: gives the mark to write with the answer, and its seconds
HERE, LEFT = "here", "left"
GUEST = "guest"  # here, at a public computer
# In the session: it began after somebody else's at this browser. The mark is then one's own.
AFTER_ANOTHER = "after_another"
DIGEST_AT_MOST = 16  # characters: enough to notice another password
MARK_AT_MOST = 128  # characters: state, number, digest and signature take some 90


class LastPersonMiddleware:
    """Middleware that writes the mark after a log-in or log-out, or where it is missing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        name = settings.LAST_PERSON_COOKIE_NAME
        session = request.session
        if name not in request.COOKIES and session.accessed and SESSION_KEY in session:
            note_here(request, request.user)
        if mark := request.META.get(NOTE):
            value, seconds = mark()
            cookies.write(response, name, _signer().sign(value), seconds)
        return response


def note_here(request: HttpRequest, user: Any) -> None:
    """Mark the user as here, as long as the cookie of the session lasts."""
    if not isinstance(user, User):
        return

    def mark() -> tuple[str, int | None]:
        seconds = cookies.seconds_of(request.session)
        return f"{GUEST if seconds is None else HERE}-{user.pk}-{_digest(user)}", seconds

    request.META[NOTE] = mark


def is_another(request: HttpRequest, user: Any) -> bool:
    """Return whether somebody else was the last person here before this session."""
    _state, pk, _password = _read(request)
    return (pk is not None and pk != user.pk) or AFTER_ANOTHER in request.session


def why_ended(request: HttpRequest) -> tuple[str, str]:
    """Say why the last person, who did not log out, is not logged in any more, and who it is.

    Both are "" if nobody's session ended; the name is, too, at a public computer.
    """
    state, pk, password = _read(request)
    if state not in (HERE, GUEST):
        return "", ""
    user = User.objects.filter(pk=pk).first()
    name = user.username if user is not None and state == HERE else ""
    if name and user is not None and not user.is_active:
        return str(BANNED), name
    if user is not None and _digest(user) != password:
        return _("Your password was changed. Please log in with the new one."), name
    return _("You were signed out from another device or by an administrator. Please log in."), name


@receiver(user_logged_in)
def on_logged_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    if is_another(request, user):
        request.session[AFTER_ANOTHER] = True
    note_here(request, user)


@receiver(user_logged_out)
def on_logged_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    pk = (user and user.pk) or _read(request)[1]  # a deleted account has none any more
    if pk is not None:
        seconds = cookies.seconds_of(request.session)
        request.META[NOTE] = lambda: (f"{LEFT}-{pk}-", seconds)


def _read(request: HttpRequest) -> tuple[str, int | None, str]:
    """Read the mark, which is empty unless we have written it."""
    signed = request.COOKIES.get(settings.LAST_PERSON_COOKIE_NAME, "")
    try:
        mark = _signer().unsign(signed if len(signed) <= MARK_AT_MOST else "")
    except BadSignature:
        return "", None, ""
    state, _dash, rest = mark.partition("-")
    pk, _dash, password = rest.partition("-")
    return state, parse_id(pk), password


def _signer() -> Signer:
    return Signer(salt="accounts.last_person")


def _digest(user: User) -> str:
    """Return a value that another password changes."""
    hashed = salted_hmac("accounts.last_person", user.password, algorithm="sha256")
    return hashed.hexdigest()[:DIGEST_AT_MOST]
