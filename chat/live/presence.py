"""Presence: each worker notes every 15 s which people have sockets there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from chat.models import Presence
from friends.models import Friendship
from webchat.database.questions import Listing, given
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
    return ONLINE.all(owner=user.pk, after=now - ONLINE_FOR, until=now + ONLINE_FOR)


def _friends_seen() -> QuerySet[Friendship, tuple[str]]:
    noted = Presence.objects.filter(seen_at__gt=given("after"), seen_at__lte=given("until"))
    seen = noted.filter(user__shows_online=True).values("user")
    friendships = Friendship.objects.of(given("owner")).filter(friend__in=seen)
    return friendships.without_blocks().values_list("friend__username")


ONLINE = Listing(_friends_seen, str)
