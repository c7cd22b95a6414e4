"""Look-ups through the user: what is not theirs to see does not exist (404)."""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import User
from accounts.names import username_key
from webchat.database.questions import Question, given

from .models import Block, FriendRequest, Friendship

NAMED = Question(
    lambda: Friendship.objects.filter(
        owner=given("owner"), friend__username_key=given("key")
    ).with_friend()
)


def get_friendship(user: User, username: str) -> Friendship:
    friendship = NAMED.first(owner=user.pk, key=username_key(username))
    if friendship is None:
        raise Http404
    friendship.owner = user
    return friendship


def get_received(user: User, pk: int) -> FriendRequest:
    return get_object_or_404(FriendRequest.objects.received_by(user), pk=pk)


def get_sent(user: User, pk: int) -> FriendRequest:
    return get_object_or_404(FriendRequest.objects.sent_by(user), pk=pk)


def get_blockable(user: User, username: str) -> User:
    """Get a friend, someone who has asked, or someone blocked: ex-friends can be unblocked."""
    target = get_object_or_404(User, username_key=username_key(username))
    known = (
        Friendship.objects.filter(owner=user, friend=target),
        FriendRequest.objects.filter(sender=target, recipient=user),
        Block.objects.filter(owner=user, target=target),
    )
    if not any(rows.exists() for rows in known):
        raise Http404
    return target
