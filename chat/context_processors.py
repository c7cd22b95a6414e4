from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from friends.models import FriendRequest
from webchat.snapshot import read_snapshot

from . import events
from .presentation import count_unread


def shell(request: HttpRequest) -> dict[str, Any]:
    """What stands around every page of someone logged in: badges, and where the log was."""
    facts: dict[str, Any] = {"now": timezone.now()}
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        with read_snapshot():
            facts |= {
                "last_event": events.head(),
                "unread": sum(count_unread(user).values()),
                "requests": FriendRequest.objects.received_by(user).count(),
            }
    return {"shell": facts}


def strings(request: HttpRequest) -> dict[str, Any]:
    """The words that the scripts say."""
    return {"strings": {}}
