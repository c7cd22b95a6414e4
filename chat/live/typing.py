"""Notes of typing: told to open sockets in every worker, and stored nowhere."""

from __future__ import annotations

import json
from typing import NamedTuple

from accounts.models import User
from friends.models import Block, Friendship

from ..presentation import encode


class Note(NamedTuple):
    recipient_id: int
    sender: str

    def as_word(self) -> bytes:
        return encode(self).encode()


def note_to(user: User, username: str) -> Note | None:
    """Make a note for a friend; None for anybody else, and where one has blocked the other."""
    friendship = Friendship.objects.filter(owner=user).named(username).first()
    if friendship is None:
        return None
    people = (user.pk, friendship.friend_id)
    if Block.objects.filter(owner__in=people, target__in=people).exists():
        return None
    return Note(friendship.friend_id, user.username)


def parse(word: bytes) -> Note | None:
    """Parse a note from another worker; None if it is not one."""
    try:
        recipient_id, sender = json.loads(word)
    except (TypeError, ValueError):
        return None
    return Note(recipient_id, sender) if isinstance(recipient_id, int) else None
