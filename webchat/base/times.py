"""Moments as everybody reads them: `YYYY-MM-DD HH:MM`, in the time zone of the site."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache

from django.utils import timezone


def minute(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return _minute(int(moment.timestamp() // 60), timezone.get_default_timezone())


def minute_with_zone(moment: datetime) -> str:
    """Return a moment for a terminal or a log, whose readers may be elsewhere."""
    return f"{minute(moment)} ({timezone.get_default_timezone_name()})"


@lru_cache(maxsize=1024)  # many messages share a minute
def _minute(number: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(60 * number, zone):%Y-%m-%d %H:%M}"
