"""The addresses of many pages of the same kind, such as those of all chats in a list."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from django.urls import reverse
from django.utils.http import RFC3986_SUBDELIMS

NAME = "~name~"  # of nobody, and never quoted
SAFE = RFC3986_SUBDELIMS + "/~:@"


def addresses_of(view_name: str) -> Callable[[str], str]:
    """Return what `reverse` does for a view with one name in its address, but asked once."""
    before, _name, after = reverse(view_name, args=[NAME]).partition(NAME)

    def address_of(name: str) -> str:
        is_plain = name.isascii() and name.isalnum()
        return f"{before}{name if is_plain else quote(name, safe=SAFE)}{after}"

    return address_of
