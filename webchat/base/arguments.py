"""Types of the days that stand after an option of a command: `add_argument(…, type=days(1))`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from .commands import number

DAYS_AT_MOST = 36_500  # a century: from any moment that a clock shows, it leads back to a date
DAY = "%Y-%m-%d"
DAY_LENGTH = len("2026-09-01")
YEARS = range(1970, 3000)  # beyond them a date in one zone may be none in another


def days(least: int) -> Callable[[str], timedelta]:
    """Return the `type` of a number of days, at least so many."""
    read = number(least, DAYS_AT_MOST)
    return lambda typed: timedelta(days=read(typed))


def day(typed: str) -> datetime:
    """Read a date as the beginning of that day, in the time zone of the site."""
    try:
        if len(typed) != DAY_LENGTH:
            raise ValueError
        begin = timezone.make_aware(datetime.strptime(typed, DAY))  # noqa: DTZ007
        if begin.year not in YEARS:
            raise ValueError
    except (ValueError, OverflowError):
        raise ArgumentTypeError(_("should be a date like 2026-09-01")) from None
    return begin
