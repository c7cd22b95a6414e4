"""A person's avatar: the profile picture, over a letter on a colour.

The letter and its colour are chosen in `static/js/chat/avatar.js`, too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.utils.safestring import SafeString

from webchat.base.stencils import Stencil

COLOURS = 12


class Avatar(NamedTuple):
    """The values of _avatar.html, which rows have among their own."""

    colour: str
    initial: str
    face: str  # the address of the picture, if there is one


AVATAR = Stencil("_avatar.html", Avatar._fields)


def avatar_of(username: str, face: str = "") -> Avatar:
    """Return the avatar of somebody; `face` is their picture's name, if the viewer may see it."""
    return Avatar(*_letter_of(username), face_url(face) or "")


def show_avatar(username: str, face: str = "") -> SafeString:
    return AVATAR.fill([avatar_of(username, face)])


def face_url(face: str) -> str | None:
    """Return the address of the picture that has this name; None without one."""
    # Not with `reverse`, which does not know the prefix outside a request.
    return f"{settings.PREFIX}/avatars/{face}/" if face else None


@lru_cache(maxsize=1024)
def _letter_of(username: str) -> tuple[str, str]:
    return _colour(username), username[:1].upper()


def _colour(username: str) -> str:
    """Choose one of twelve colours by name, from UTF-16 code units, as the browser does."""
    units = username.encode("utf-16-le")
    total = sum(units[0::2]) + 256 * sum(units[1::2])
    return f"avatar-{total % COLOURS}"
