"""Numbers that come from outside."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_INTEGER = 2**63 - 1  # the largest that the database stores
ID_DIGITS = 18  # of an id that the database can hold
DIGITS_AT_MOST = 1000  # of a number that comes as a text: parsing it costs their square


def integer(value: Any, *, name: str) -> int:
    """Read an id or a limit; one too large for the database becomes the largest that fits."""
    try:
        if isinstance(value, (bool, float)) or (
            isinstance(value, str) and len(value) > DIGITS_AT_MOST
        ):
            raise ValueError
        number = int(value)
    except (TypeError, ValueError):
        message = _("“%(name)s” must be a whole number.")
        raise ValidationError(message, "invalid", {"name": name}) from None
    return max(-MAX_INTEGER, min(number, MAX_INTEGER))


def parse_id(value: str) -> int | None:
    """An id as a page sends it, or None for what can be none."""
    return int(value) if len(value) <= ID_DIGITS and value.isdecimal() else None
