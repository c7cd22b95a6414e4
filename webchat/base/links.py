"""The addresses of many pages of the same kind, such as those of all chats in a list."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from django.urls import reverse
from django.utils.http import RFC3986_SUBDELIMS

NAME = "~name~"  # of nobody, and never quoted


def addresses_of(view_name: str) -> Callable[[str], str]:
    """Return what `reverse` does for a view with one name in its address, but asked once."""
    before, _name, after = reverse(view_name, args=[NAME]).partition(NAME)
    return lambda name: f"{before}{quote(name, safe=RFC3986_SUBDELIMS + '/~:@')}{after}"
