from __future__ import annotations

from accounts.models import User
from webchat.base.text import fold

from .models import Friendship

TYPED_AT_MOST = 100  # characters, as many as a search has


def find_friends(owner: User, typed: str) -> list[Friendship]:
    """The friends whose name or remark, as written or as read, holds what was typed."""
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
    """The page has the same rule: one letter is how a name begins, for it is in every other."""
    if len(wanted) == 1:
        return any(reading.startswith(wanted) for reading in readings.split())
    return wanted in readings


def _key(words: str) -> str:
    """Nothing for what is too long: it stands in no name."""
    return "".join((fold(words, most=TYPED_AT_MOST) or "").split())
