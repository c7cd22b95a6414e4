"""Friends and requests as JSON."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.models import User

from .models import FriendRequest, Friendship


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
