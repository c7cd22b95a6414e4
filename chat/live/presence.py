"""Shows who is online: each worker notes now and then whose sockets it holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat.models import Presence
from friends.models import Friendship

NOTED_EVERY = timedelta(seconds=15)
ONLINE_FOR = timedelta(seconds=45)  # after the last note; one may be late


def note(user_ids: Iterable[int]) -> None:
    """Note that these people have a page open; those who do not show it are left out."""
    now = timezone.now()
    showing = User.objects.filter(pk__in=list(user_ids), shows_online=True)
    with transaction.atomic():
        Presence.objects.bulk_create(
            [Presence(user_id=pk, seen_at=now) for pk in showing.values_list("pk", flat=True)],
            update_conflicts=True,
            unique_fields=["user"],
            update_fields=["seen_at"],
        )


def online_friends(user: User) -> list[str]:
    """Friends with a page open who show it; nobody where one of the two has blocked the other."""
    now = timezone.now()
    # A clock that was set back must not keep anybody online for ever.
    online = Presence.objects.filter(
        seen_at__gt=now - ONLINE_FOR, seen_at__lte=now + ONLINE_FOR, user__shows_online=True
    )
    friendships = Friendship.objects.of(user).filter(friend__in=online.values("user"))
    return [friendship.username for friendship in friendships.without_blocks()]
