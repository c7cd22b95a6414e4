from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from friends.models import FriendRequest
from webchat.database.snapshot import read_snapshot

from .models import EventLog, Membership
from .notices.presentation import look_pending
from .presentation import ConversationView

# The pages beside the list of chats; those beside the menu of Discover are all others.
PAGES_OF_CHATS = {"chats", "conversation", "files", "report", "search"}

UNREAD = "webchat.unread"  # in META: the unread messages, where a view has counted them


def note_list(request: HttpRequest, conversations: Iterable[ConversationView]) -> None:
    """Note how many messages of a page's list of chats are unread, for the badge in its frame."""
    request.META[UNREAD] = sum(each.unread for each in conversations if not each.muted)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Add the frame of every page of a logged-in person: badges, and the position in the log."""
    facts: dict[str, Any] = {"now": timezone.now(), "time_zone": settings.TIME_ZONE}
    mail_is_on = settings.MAIL_MODE != "off"
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        with read_snapshot():
            facts |= {
                "tab": _tab(request),
                "last_event": EventLog.objects.head(),
                "unread": request.META[UNREAD]
                if UNREAD in request.META
                else Membership.objects.audible_unread(user),
                "requests": FriendRequest.objects.count_received(user),
                "pending": look_pending(user),
            }
    return {"shell": facts, "mail_is_on": mail_is_on}


def _tab(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None or match.app_name == "friends":
        return "contacts" if match else ""
    is_of_chats = match.app_name == "chat" and match.url_name in PAGES_OF_CHATS
    return "chats" if is_of_chats else "discover"
