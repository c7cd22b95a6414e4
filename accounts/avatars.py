"""A person's avatar: a letter on a colour, as `static/js/chat/avatar.js` chooses them, too."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from django.utils.safestring import SafeString

from webchat.base.stencils import Stencil

COLOURS = 12


class Avatar(NamedTuple):
    """The values of _avatar.html, which rows have among their own."""

    colour: str
    initial: str


AVATAR = Stencil("_avatar.html", Avatar._fields)


@lru_cache(maxsize=1024)
def avatar_of(username: str) -> Avatar:
    return Avatar(_colour(username), username[:1].upper())


def show_avatar(username: str) -> SafeString:
    return AVATAR.fill([avatar_of(username)])


def _colour(username: str) -> str:
    """Choose one of twelve colours by name, from UTF-16 code units, as the browser does."""
    units = username.encode("utf-16-le")
    total = sum(units[0::2]) + 256 * sum(units[1::2])
    return f"avatar-{total % COLOURS}"
