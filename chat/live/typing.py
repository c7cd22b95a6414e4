"""“… is typing”, across workers: a row per pair, told by its id, which is new each time."""

from __future__ import annotations

from collections.abc import Callable, Set

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from chat.models import Typing
from friends.models import Block, Friendship


def note(user: User, username: str) -> None:
    """Note that the user is writing to a friend; to anybody else it is told nothing."""
    friendship = Friendship.objects.filter(owner=user).named(username).first()
    if friendship is None:
        return
    pair = {"sender_id": user.pk, "recipient_id": friendship.friend_id}
    people = pair.values()
    if Block.objects.filter(owner__in=people, target__in=people).exists():
        return
    with transaction.atomic():
        Typing.objects.filter(**pair).delete()
        Typing.objects.create(**pair)


def head() -> int:
    return Typing.objects.aggregate(newest=Max("id"))["newest"] or 0


def read_after(after: int, connected: Callable[[], Set[int]]) -> list[tuple[int, int, str]]:
    """Who has typed to these people since: (id, recipient's id, sender's name)."""
    news = Typing.objects.filter(id__gt=after, recipient__in=connected()).order_by("id")
    return list(news.values_list("id", "recipient_id", "sender__username"))
