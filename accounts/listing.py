"""The list of accounts for the maintainer: found a page at a time, in words or as data."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from webchat.base.tables import BYTE_ORDER_MARK, harmless, pad, width
from webchat.base.times import minute

from .models import User, UserQuerySet

ROWS_AT_ONCE = 500
TIME_WIDTH = len("2026-09-01 08:00")


def in_pages(users: UserQuerySet) -> Iterator[User]:
    """Yield the users by name, with `last_seen_at`.

    Between two pages no query is open: the log of the database could not be cut while a reader of
    the list pauses.
    """
    by_name = users.order_by("username_key")
    after = ""
    while page := list(by_name.filter(username_key__gt=after)[:ROWS_AT_ONCE]):
        yield from page
        after = page[-1].username_key


def as_table(users: UserQuerySet) -> Iterator[str]:
    """Yield the lines of a table for a terminal, its head first."""
    columns = [
        _column(users, "username", _("User name")) or width(_("User name")),
        _column(users, "real_name", _("Real name")),
        TIME_WIDTH,
        TIME_WIDTH,
    ]

    def line(*cells: str) -> str:
        padded = (pad(cell, most) for cell, most in zip(cells[:-1], columns, strict=True) if most)
        return "  ".join((*padded, cells[-1])).rstrip()

    yield line(_("User name"), _("Real name"), _("Joined"), _("Last seen"), _("Standing"))
    number = 0
    for user in in_pages(users):
        number += 1
        times = (minute(user.date_joined), minute(user.last_seen_at) or _("never"))
        yield line(user.username, user.real_name, *times, ", ".join(standing_of(user)))
    yield _("%(count)d accounts. Times: %(zone)s.") % {"count": number, "zone": _zone()}


def _column(users: UserQuerySet, field: str, title: str) -> int:
    """Return the width that a column needs; 0 if it is empty for all."""
    texts = users.order_by().values_list(field, flat=True).iterator()
    most = max(map(width, texts), default=0)
    return max(most, width(title)) if most else 0


def as_csv(users: UserQuerySet) -> Iterator[str]:
    """Yield the list as Excel opens it by a double click, each line with its end."""
    row: Callable[[Iterable[str]], str] = csv.writer(_Echo()).writerow
    zone = f" ({_zone()})"
    yield BYTE_ORDER_MARK
    times = (_("Joined") + zone, _("Last seen") + zone)
    yield row([_("User name"), _("Real name"), *times, _("Standing")])
    for user in in_pages(users):
        times = (minute(user.date_joined), minute(user.last_seen_at))
        standing = "; ".join(standing_of(user))
        yield row(map(harmless, (user.username, user.real_name, *times, standing)))


def as_json(users: UserQuerySet) -> Iterator[str]:
    """Yield the lines of a JSON list with an object a person, the times in the site's zone."""
    before = "["
    for user in in_pages(users):
        yield f"{before}{json.dumps(_facts(user))}"
        before = ","
    yield "[]" if before == "[" else "]"


def standing_of(user: User) -> Iterator[str]:
    """Yield what is unusual about an account, in words."""
    if user.is_superuser:
        yield _("superuser")
    elif user.is_staff:
        yield _("staff")
    if not user.is_active:
        yield _("banned")
    if user.is_muted:
        yield _("muted until %(time)s") % {"time": minute(user.muted_until)}
    if user.unverified_since is not None:
        yield _("not verified")
    if user.must_change_password:
        yield _("must change the password")
    if user.is_demo:
        yield _("demo")


def _zone() -> str:
    return timezone.get_default_timezone_name()


def _facts(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "real_name": user.real_name,
        "joined": _moment(user.date_joined),
        "last_seen": _moment(user.last_seen_at),
        "superuser": user.is_superuser,
        "staff": user.is_staff,
        "banned": not user.is_active,
        "muted_until": _moment(user.muted_until) if user.is_muted else None,
        "verified": user.unverified_since is None,
        "must_change_password": user.must_change_password,
        "demo": user.is_demo,
    }


def _moment(moment: datetime | None) -> str | None:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else None


class _Echo:
    """A file for `csv` that returns what is written: `writerow` hands it on."""

    def write(self, text: str) -> str:
        return text
