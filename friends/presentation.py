"""Friends and requests as JSON, and the order of the contacts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

from django.utils import timezone

from accounts.models import User

from .models import FriendRequest, Friendship

OTHERS = "#"  # the heading of names that begin with no letter from A to Z


class Letter(NamedTuple):
    """The friends below one heading of the contacts."""

    name: str
    friends: list[Friendship]

    @property
    def anchor(self) -> str:
        return "letter-other" if self.name == OTHERS else f"letter-{self.name}"


def by_letter(friendships: Iterable[Friendship]) -> list[Letter]:
    """Order friends as they are called, Chinese names by pinyin, under A to Z and “#”."""
    ordered = sorted(friendships, key=_order)
    return [Letter(name, list(group)) for name, group in groupby(ordered, key=_letter)]


def _order(friendship: Friendship) -> tuple[bool, str, str]:
    return _letter(friendship) == OTHERS, friendship.spelling, friendship.name


def _letter(friendship: Friendship) -> str:
    first = friendship.spelling[:1].upper()
    return first if "A" <= first <= "Z" else OTHERS


def friend_json(friendship: Friendship) -> dict[str, Any]:
    """Return F of the contract; the friendship comes from `FriendshipQuerySet.of`."""
    return {
        "username": friendship.username,
        "remark": friendship.remark,
        "blocked": friendship.blocked,
    }


def request_json(request: FriendRequest, viewer: User) -> dict[str, Any]:
    """Return R of the contract: the username is always the other person's."""
    other = request.recipient if request.sender_id == viewer.pk else request.sender
    return {
        "id": request.pk,
        "username": other.username,
        "note": request.note,
        "time": f"{timezone.localtime(request.created_at):%Y-%m-%d %H:%M}",
    }
