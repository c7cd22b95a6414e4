from __future__ import annotations

from accounts.models import User
from accounts.pinyin import spells
from webchat.base.text import searchable

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
        or spells(wanted, friendship.readings)
    ]


def _key(words: str) -> str:
    """Fold words for comparison; to nothing if they are too long to be in a name."""
    return "" if len(words) > TYPED_AT_MOST else "".join(searchable(words).split())
