"""Notices and announcements as JSON, and those that somebody has not confirmed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists
from django.utils import timezone

from accounts.models import User, UserQuerySet
from chat.models import ANNOUNCEMENTS_AT_ONCE, Announcement, Notice
from chat.notice_text import notice_text
from webchat.base.times import minute
from webchat.database.questions import Listing, given

KEYS_SHOWN = 50  # all that one person can take in, and more than an honest staff makes in a month


def notice_json(notice: Notice) -> dict[str, Any]:
    return {"id": notice.pk, "text": notice_text(notice), "time": minute(notice.created_at)}


def announcement_json(announcement: Announcement) -> dict[str, Any]:
    return {
        "id": announcement.pk,
        "edition": announcement.edition,
        "text": announcement.text,
        "time": minute(announcement.changed_at),
    }


def look_at_keys(user: User) -> list[str]:
    """List the notices shown below the signed-in devices, newest first."""
    notices = Notice.objects.shown_among_devices(timezone.now()).filter(user=user)
    newest = notices.select_related("by").order_by("-id")[:KEYS_SHOWN]
    return [notice_text(each) for each in newest]


@dataclass(frozen=True, slots=True)
class Pending:
    """The notices and announcements that one person has not confirmed, as JSON."""

    notices: list[dict[str, Any]] = field(default_factory=list)
    announcements: list[dict[str, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.notices or self.announcements)

    @property
    def seen_through(self) -> int:
        """The edition of the newest of these announcements; 0 without any."""
        return max((each["edition"] for each in self.announcements), default=0)


def _those_who_wait() -> UserQuerySet:
    """Find one person, if there is anything that they have not confirmed."""
    notices = Notice.objects.waiting().filter(user=given("user"))
    announcements = Announcement.objects.unseen_by(given("user"))
    return User.objects.filter(Exists(notices) | Exists(announcements), pk=given("user"))


WAITING = Listing(lambda: _those_who_wait().values_list("pk"), int)


def look_pending(user: User) -> Pending:
    """Load the unconfirmed ones; one query where there are none, which is nearly always."""
    if WAITING.first(user=user.pk) is None:
        return Pending()
    notices = Notice.objects.waiting().filter(user=user)
    announcements = Announcement.objects.unseen_by(user)
    newest = announcements.order_by("-edition")[:ANNOUNCEMENTS_AT_ONCE]
    return Pending(
        [
            notice_json(each)
            for each in notices.select_related("report__about", "by").order_by("id")
        ],
        [announcement_json(each) for each in reversed(newest)],
    )
