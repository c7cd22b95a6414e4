"""What somebody has to be told: by the moderators, and by the administrator to everyone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from chat.models import ANNOUNCEMENTS_AT_ONCE, Announcement, Notice
from chat.presentation import minute

KEYS_SHOWN = 50  # what one person can take in, and more than an honest staff does in a month
Kind = Notice.Kind


def notice_text(notice: Notice) -> str:
    return TEXTS[Kind(notice.kind)](notice)


def _warning(notice: Notice) -> str:
    sentence = _("A moderator warns you. Please keep to the rules.")
    return f"{sentence}\n{notice.words}" if notice.words else sentence


def _muted(notice: Notice) -> str:
    sentence = _("A moderator has muted you until %(until)s: you can read, but not send.")
    return sentence % {"until": minute(notice.until)}


def _unmuted(notice: Notice) -> str:
    return _("You can send messages again.")


def _report_acted(notice: Notice) -> str:
    return _("Thank you for your report of %(name)s: the moderators have acted on it.") % {
        "name": _reported_name(notice)
    }


def _report_dismissed(notice: Notice) -> str:
    return _("Your report of %(name)s was looked at: the moderators found nothing to act on.") % {
        "name": _reported_name(notice)
    }


def _code_issued(notice: Notice) -> str:
    return _by_whom(
        notice, _("%(name)s issued a code for a new password of your account on %(time)s.")
    )


def _password_set(notice: Notice) -> str:
    return _by_whom(notice, _("%(name)s set a new password for your account on %(time)s."))


def _email_set(notice: Notice) -> str:
    return _by_whom(notice, _("%(name)s set the email address of your account on %(time)s."))


def _by_whom(notice: Notice, sentence: str) -> str:
    name = notice.by.username if notice.by else _("a deleted account")
    return sentence % {"name": name, "time": minute(notice.created_at)}


def _reported_name(notice: Notice) -> str:
    about = notice.report.about if notice.report else None
    return about.username if about else _("a deleted account")


TEXTS: dict[Kind, Callable[[Notice], str]] = {
    Kind.WARNING: _warning,
    Kind.MUTED: _muted,
    Kind.UNMUTED: _unmuted,
    Kind.REPORT_ACTED: _report_acted,
    Kind.REPORT_DISMISSED: _report_dismissed,
    Kind.CODE_ISSUED: _code_issued,
    Kind.PASSWORD_SET: _password_set,
    Kind.EMAIL_SET: _email_set,
}


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
    """What stands below the signed-in devices, the newest first."""
    notices = Notice.objects.shown_among_devices(timezone.now()).filter(user=user)
    newest = notices.select_related("by").order_by("-id")[:KEYS_SHOWN]
    return [notice_text(each) for each in newest]


@dataclass(frozen=True, slots=True)
class Pending:
    """What one person has not confirmed, as JSON."""

    notices: list[dict[str, Any]] = field(default_factory=list)
    announcements: list[dict[str, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.notices or self.announcements)

    @property
    def seen_through(self) -> int:
        """What is seen when all of this is."""
        return max((each["edition"] for each in self.announcements), default=0)


def look_pending(user: User) -> Pending:
    """One query where nothing waits, which is nearly always."""
    notices = Notice.objects.waiting().filter(user=user)
    announcements = Announcement.objects.unseen_by(user)
    waits = Exists(notices) | Exists(announcements)
    if not User.objects.filter(waits, pk=user.pk).exists():
        return Pending()
    newest = announcements.order_by("-edition")[:ANNOUNCEMENTS_AT_ONCE]
    return Pending(
        [
            notice_json(each)
            for each in notices.select_related("report__about", "by").order_by("id")
        ],
        [announcement_json(each) for each in reversed(newest)],
    )
