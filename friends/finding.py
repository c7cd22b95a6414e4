from __future__ import annotations

from accounts.models import User
from webchat.base.text import fold

from .models import Friendship

TYPED_AT_MOST = 100  # characters, as many as a search may have


def find_friends(owner: User, typed: str) -> list[Friendship]:
    """Return the friends whose name or remark, as written or as read, holds what was typed."""
    wanted = _key(typed)
    if not wanted:
        return []
    return [
        friendship
        for friendship in Friendship.objects.of(owner)
        if wanted in friendship.friend.username_key
        or wanted in _key(friendship.remark)
        or _is_read(wanted, friendship.readings)
    ]


def _is_read(wanted: str, readings: str) -> bool:
    """Match as the page does: one letter must begin a name, since every other name holds it."""
    if len(wanted) == 1:
        return any(reading.startswith(wanted) for reading in readings.split())
    return wanted in readings


def _key(words: str) -> str:
    """Fold words for comparison; to nothing if they are too long to be in a name."""
    return "".join((fold(words, most=TYPED_AT_MOST) or "").split())
