"""Presence: each worker notes every 15 s which people have sockets there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat.models import Presence
from friends.models import Friendship
from webchat.database.syncing import unsynced

NOTED_EVERY = timedelta(seconds=15)
ONLINE_FOR = timedelta(seconds=45)  # after the last note; one may be late


def note(user_ids: Iterable[int]) -> None:
    """Note that these people have a page open, except those who do not show it."""
    now = timezone.now()
    showing = User.objects.filter(pk__in=list(user_ids), shows_online=True)
    with unsynced(), transaction.atomic():
        Presence.objects.bulk_create(
            [Presence(user_id=pk, seen_at=now) for pk in showing.values_list("pk", flat=True)],
            update_conflicts=True,
            unique_fields=["user"],
            update_fields=["seen_at"],
        )


def online_friends(user: User) -> list[str]:
    """List the friends who have a page open and show it, without blocks in either direction."""
    now = timezone.now()
    # A clock that was set back must not keep anybody online forever.
    online = Presence.objects.filter(
        seen_at__gt=now - ONLINE_FOR, seen_at__lte=now + ONLINE_FOR, user__shows_online=True
    )
    friendships = Friendship.objects.of(user).filter(friend__in=online.values("user"))
    return [friendship.username for friendship in friendships.without_blocks()]
