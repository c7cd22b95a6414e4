from __future__ import annotations

from accounts.models import User
from accounts.names import username_key

from .models import Friendship


def find_friends(owner: User, typed: str) -> list[Friendship]:
    """The friends whose name or remark holds what was typed."""
    wanted = _key(typed)
    if not wanted:
        return []
    return [
        friendship
        for friendship in Friendship.objects.of(owner)
        if wanted in friendship.friend.username_key or wanted in _key(friendship.remark)
    ]


def _key(words: str) -> str:
    return username_key("".join(words.split()))
