from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from django import template
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext, ngettext

register = template.Library()

SHOWN_AT_MOST = 99
WEEK = 7  # days, from which a weekday's name would mean two of them


@register.filter
def badge(count: int) -> str:
    if not count:
        return ""
    return str(count) if count <= SHOWN_AT_MOST else f"{SHOWN_AT_MOST}+"


@register.filter
def relative_time(moment: datetime | Literal[""] | None) -> str:
    """Say how long ago it was, by the server's clock and in its zone."""
    if not moment:
        return ""
    # In UTC: Python subtracts times of one zone by their clocks, which stop for an hour in autumn.
    minutes = (timezone.now() - moment.astimezone(UTC)) // timedelta(minutes=1)
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return ngettext("%(minutes)d minute ago", "%(minutes)d minutes ago", minutes) % {
            "minutes": minutes
        }
    now, moment = timezone.localtime(), timezone.localtime(moment)
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    if moment.date() == now.date() - timedelta(days=1):
        return gettext("yesterday")
    if moment.year == now.year:
        return f"{moment:%m-%d}"
    return f"{moment:%Y-%m-%d}"


@register.filter
def list_time(moment: datetime | Literal[""] | None) -> str:
    """Format a time as lists show it, in the server's zone; `Clock.listed` does the same."""
    return listed(timezone.localtime(moment), timezone.localdate()) if moment else ""


def listed(moment: datetime, today: date) -> str:
    """Return the time of a moment today, then “yesterday”, the weekday, the date, with its year."""
    days = (today - moment.date()).days
    if days == 0:
        return f"{moment.hour:02}:{moment.minute:02}"
    if days == 1:
        return gettext("yesterday")
    if 1 < days < WEEK:
        return str(WEEKDAYS[moment.weekday()])
    day = moment.date().isoformat()
    return day[5:] if moment.year == today.year else day
