"""The sessions of an account: their owner, their device, and when they were last seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webchat.base.times import minute
from webchat.middleware import client_address

from .models import User, UserSession

SEEN_EVERY = timedelta(minutes=3)  # a write for each request would cost more than the request
SESSIONS_AT_MOST = 50  # of an account: more than anybody has devices and forgotten browsers
USER_AGENT_LENGTH = 255
# The first match counts: most browsers also claim to be the ones below them.
BROWSERS = (
    ("MicroMessenger", gettext_lazy("WeChat")),
    ("QQBrowser", gettext_lazy("QQ Browser")),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("HarmonyOS", "HarmonyOS"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
MOBILE = re.compile("Mobi|Android|iPhone|iPad|HarmonyOS")

_seen: set[str] = set()  # session keys, since the last `write_seen` of this process


def link(*, request: HttpRequest, user: User) -> None:
    """Remember whose session this is; its key is new after each login and password change.

    The oldest one ends if the account has more than SESSIONS_AT_MOST.
    """
    if request.session.session_key is None:
        request.session.create()
    with transaction.atomic():
        device = UserSession(
            session_id=request.session.session_key or "",
            user=user,
            last_seen_at=timezone.now(),
            address=client_address(request) or None,
            user_agent=user_agent(request)[:USER_AGENT_LENGTH],
        )
        told = ["user", "last_seen_at", "address", "user_agent"]
        UserSession.objects.bulk_create(
            [device], update_conflicts=True, unique_fields=["session"], update_fields=told
        )
        _end_oldest(user, request.session.session_key)


def _end_oldest(user: User, own: str | None) -> None:
    """End the oldest, never one's own: those begun while the clock was ahead look newer."""
    newest_first = user.sessions.exclude(session=own).order_by("-started_at", "-last_seen_at")
    too_many = list(newest_first.values_list("pk", flat=True)[SESSIONS_AT_MOST - 1 :])
    if too_many:
        user.sessions.filter(pk__in=too_many).end()


def end(*, user: User, public_id: str) -> bool:
    """Sign out one device; False if it is gone already, or was never the user's."""
    for session in user.sessions.all():
        if constant_time_compare(public_id_of(session), public_id):
            user.sessions.filter(pk=session.pk).end()
            return True
    return False


def end_others(*, user: User, session_key: str | None) -> None:
    """Sign out everywhere else."""
    user.sessions.exclude(session=session_key).end()


def note_seen(session_key: str) -> None:
    """Note that a visitor was here. Cheap, and safe from any thread."""
    _seen.add(session_key)


def write_seen(connected: Iterable[str] = ()) -> None:
    """Write down who was here since the last time, and who is connected now."""
    noted = _seen.copy()
    keys = noted.union(connected)
    now = timezone.now()
    stale = UserSession.objects.filter(last_seen_at__lt=now - SEEN_EVERY / 2)
    for some in _batches(sorted(keys)):
        stale.filter(session__in=some).update(last_seen_at=now)
    _seen.difference_update(noted)


def seen_lately() -> int:
    """Count the sessions that `write_seen` would have noted the last time or the time before."""
    since = timezone.now() - 2 * SEEN_EVERY
    return UserSession.objects.filter(last_seen_at__gt=since).count()


def list_of(user: User, session_key: str | None) -> list[dict[str, Any]]:
    """List sessions for the page: this device first, then by the time they were last seen."""
    kept = user.sessions.filter(session__expire_date__gt=timezone.now())
    shown = [
        {
            "id": public_id_of(session),
            "device": describe_device(session.user_agent),
            "address": session.address or "",
            "started_at": session.started_at,
            "since": minute(session.started_at),
            "last_seen_at": session.last_seen_at,
            "is_current": session.session_id == session_key,
        }
        for session in kept
    ]
    _tell_apart(shown)
    return sorted(shown, key=lambda each: (each["is_current"], each["last_seen_at"]), reverse=True)


def _tell_apart(shown: list[dict[str, Any]]) -> None:
    """Add the second to equal devices of one minute; a number would pass on when one signs out."""
    known = Counter((each["device"], each["since"]) for each in shown)
    for each in shown:
        if known[each["device"], each["since"]] > 1:
            each["since"] = f"{timezone.localtime(each['started_at']):%Y-%m-%d %H:%M:%S}"


def public_id_of(session: UserSession) -> str:
    """Return a name for a session on a page: its key would give the session away."""
    return salted_hmac("accounts.UserSession", session.session_id, algorithm="sha256").hexdigest()


def describe_device(agent: str) -> str:
    """Describe a User-Agent: “Chrome · Windows”."""
    parts = [_first(BROWSERS, agent), _first(SYSTEMS, agent)]
    return " · ".join(filter(None, parts)) or _("Unknown device")


def is_mobile(request: HttpRequest) -> bool:
    return bool(MOBILE.search(user_agent(request)))


def user_agent(request: HttpRequest) -> str:
    agent: str = request.META.get("HTTP_USER_AGENT", "")
    return agent


def _first(known: Iterable[tuple[str, Any]], agent: str) -> str:
    return next((str(name) for pattern, name in known if re.search(pattern, agent)), "")


def _batches(keys: list[str], size: int = 500) -> Iterable[list[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
