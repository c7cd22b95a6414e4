"""The API of friends and requests."""

from __future__ import annotations

from typing import Any

from accounts.http import UserRequest
from accounts.models import User
from webchat.base.api import fill

from . import access, services
from .forms import AskForm, RemarkForm
from .models import Block, FriendRequest, Friendship
from .presentation import friend_json, request_json


def friends(request: UserRequest) -> dict[str, Any]:
    return {"friends": [friend_json(f) for f in Friendship.objects.load(request.user)]}


def requests(request: UserRequest) -> dict[str, Any]:
    user = request.user
    received = FriendRequest.objects.load_received(user)
    sent = FriendRequest.objects.load_sent(user)
    return {
        "received": [request_json(r, user) for r in received],
        "sent": [request_json(r, user) for r in sent],
    }


def ask(request: UserRequest) -> tuple[dict[str, Any], int]:
    form = fill(AskForm, request)
    outcome = services.ask(sender=request.user, **form.cleaned_data)
    if isinstance(outcome, Friendship):
        friendship = access.get_friendship(request.user, outcome.username)
        return {"friend": friend_json(friendship)}, 200
    return {"request": request_json(outcome, request.user)}, 201


def accept(request: UserRequest, pk: int) -> dict[str, Any]:
    friendship = services.accept(request=access.get_received(request.user, pk))
    return {"friend": friend_json(friendship)}


def decline(request: UserRequest, pk: int) -> dict[str, Any]:
    services.decline(request=access.get_received(request.user, pk))
    return {}


def withdraw(request: UserRequest, pk: int) -> dict[str, Any]:
    services.withdraw(request=access.get_sent(request.user, pk))
    return {}


def remove(request: UserRequest, username: str) -> dict[str, Any]:
    services.remove(friendship=access.get_friendship(request.user, username))
    return {}


def remark(request: UserRequest, username: str) -> dict[str, Any]:
    friendship = access.get_friendship(request.user, username)
    form = fill(RemarkForm, request)
    return {"friend": friend_json(services.set_remark(friendship=friendship, **form.cleaned_data))}


def block(request: UserRequest, username: str) -> dict[str, Any]:
    target = access.get_blockable(request.user, username)
    services.block(owner=request.user, target=target)
    return {"friend": _as_friend(request.user, target)}


def unblock(request: UserRequest, username: str) -> dict[str, Any]:
    target = access.get_blockable(request.user, username)
    services.unblock(owner=request.user, target=target)
    return {"friend": _as_friend(request.user, target)}


def _as_friend(user: User, target: User) -> dict[str, Any]:
    """Return F for somebody who may not be a friend (any more), only blocked or asking."""
    friendship = Friendship.objects.of(user).filter(friend=target).first()
    if friendship is not None:
        return friend_json(friendship)
    blocked = Block.objects.filter(owner=user, target=target).exists()
    return {"username": target.username, "remark": "", "blocked": blocked, "avatar": None}
