"""Friends and requests as JSON, and the order of the contacts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from accounts.avatars import face_url
from accounts.models import User
from webchat.base.times import minute

from .listing import FriendshipRow
from .models import FriendRequest, Friendship

OTHERS = "#"  # the heading of names that begin with no letter from A to Z


class Letter(NamedTuple):
    """The friends below one heading of the contacts."""

    name: str
    friends: list[FriendshipRow]

    @property
    def anchor(self) -> str:
        return "letter-other" if self.name == OTHERS else f"letter-{self.name}"


class Place(NamedTuple):
    """The order of a friend among the contacts."""

    is_other: bool
    letter: str
    spelling: str
    name: str


def by_letter(friendships: Iterable[FriendshipRow]) -> list[Letter]:
    """Order friends as they are called, Chinese names by pinyin, under A to Z and “#”."""
    # A place is dear: Unicode has to be folded for it.
    placed = sorted(((_place(each), each) for each in friendships), key=itemgetter(0))
    groups = groupby(placed, key=lambda pair: pair[0].letter)
    return [Letter(letter, [friend for _place, friend in group]) for letter, group in groups]


def _place(friendship: FriendshipRow) -> Place:
    spelling = friendship.spelling
    first = spelling[:1].upper()
    is_other = not "A" <= first <= "Z"
    return Place(is_other, OTHERS if is_other else first, spelling, friendship.name)


def friend_json(friendship: Friendship | FriendshipRow) -> dict[str, Any]:
    """Return F of the contract; an instance comes from `FriendshipQuerySet.of`."""
    return {
        "username": friendship.username,
        "remark": friendship.remark,
        "blocked": friendship.blocked,
        "avatar": face_url(friendship.face),
    }


def request_json(request: FriendRequest, viewer: User) -> dict[str, Any]:
    """Return R of the contract: the username is always the other person's."""
    other = request.recipient if request.sender_id == viewer.pk else request.sender
    return {
        "id": request.pk,
        "username": other.username,
        "note": request.note,
        "time": minute(request.created_at),
    }
