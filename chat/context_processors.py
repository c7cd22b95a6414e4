from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from friends.models import FriendRequest
from webchat.database.snapshot import read_snapshot

from .models import EventLog, Membership
from .notices.presentation import look_pending


def shell(request: HttpRequest) -> dict[str, Any]:
    """What stands around every page of someone logged in: badges, and where the log was."""
    facts: dict[str, Any] = {"now": timezone.now(), "time_zone": settings.TIME_ZONE}
    mail_is_on = settings.MAIL_MODE != "off"
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        audible = Membership.objects.filter(muted=False)
        with read_snapshot():
            facts |= {
                "tab": _tab(request),
                "last_event": EventLog.objects.head(),
                "unread": sum(audible.unread_counts(user).values()),
                "requests": FriendRequest.objects.received_by(user).count(),
                "pending": look_pending(user),
            }
    return {"shell": facts, "mail_is_on": mail_is_on}


def strings(request: HttpRequest) -> dict[str, Any]:
    """The words that the scripts say; `{name}` is filled in there."""
    words = {
        "sending": _("Sending…"),
        "not_sent": _("Not sent"),
        "retry": _("Retry"),
        "discard": _("Discard"),
        "failed": _("That did not work. Please try again."),
        "offline": _("The server cannot be reached. Please try again."),
        "recalled_mine": _("You recalled a message"),
        "recalled_theirs": _("“{name}” recalled a message"),
        "edit_again": _("Edit again"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "quote": _("Quote"),
        "quote_gone": _("The quoted message is gone"),
        "recall": _("Recall"),
        "report": _("Report"),
        "delete": _("Delete"),
        "pin": _("Pin"),
        "unpin": _("Unpin"),
        "mark_read": _("Mark as read"),
        "mark_unread": _("Mark as unread"),
        "mute": _("Mute notifications"),
        "unmute": _("Unmute"),
        "delete_chat": _("Delete chat"),
        "draft": _("[Draft] {words}"),
        "new_messages": _("New messages"),
        "to_the_last": _("To the latest"),
        "new_below": _("New messages below"),
        "new_above": _("{count} new messages"),
        "unfold": _("Show all"),
        "fold": _("Show less"),
        "removed": _("Message removed by an administrator"),
        "picture": _("Picture: {name}"),
        "picture_preview": _("[Picture]"),
        "file_preview": _("[File] {name}"),
        "blocked": _("You have blocked this friend. Unblock them to write."),
        "unavailable": _("This account is not available at the moment."),
        "account_deleted": _("This person has deleted their account."),
        "no_longer_friends": _("You are no longer friends."),
        "name_free": _("This user name is free."),
        "just_now": _("just now"),
        "minute_ago": _("{minutes} minute ago"),
        "minutes_ago": _("{minutes} minutes ago"),
        "yesterday": _("yesterday"),
    }
    return {"strings": words}


def _tab(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None or match.app_name == "friends":
        return "contacts" if match else ""
    is_own = match.app_name == "accounts" or match.url_name == "discover"
    return "discover" if is_own else "chats"
