"""The front page of the admin: what is wrong, what waits, and the numbers of the day."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.models import User, UserSession
from chat.models import Message, Report
from webchat.database.backup import newest_backup
from webchat.database.connecting import bytes_used

from . import rights
from .troubles import Trouble, troubles

NEW = timedelta(days=7)
COUNTED = 10_000  # ids, from the newest: no more messages are read for the number of today


@dataclass(frozen=True, slots=True)
class Waiting:
    label: str
    value: str
    url: str = ""
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    troubles: list[Trouble]
    may_mend: bool  # is told how
    waiting: list[Waiting]
    tasks: list[tuple[str, str]]  # words and address
    numbers: list[Waiting]

    @property
    def is_anything_wrong(self) -> bool:
        """Return whether more than advice is among the troubles."""
        return any(each.is_grave for each in self.troubles)


def look(user: User) -> Overview:
    """Return what this member of the staff may know."""
    return Overview(
        troubles=troubles(),
        may_mend=user.is_superuser,
        waiting=_waiting(user),
        tasks=_tasks(user),
        numbers=_numbers(user),
    )


# --- What waits ---


def _waiting(user: User) -> list[Waiting]:
    waiting = []
    if user.has_perm("chat.view_report"):
        waiting.append(_reports(user))
    if rights.may_let_in(user):
        waiting.append(_unverified())
    if user.has_perm("accounts.view_user"):
        waiting.append(_newcomers())
    return waiting


def _reports(user: User) -> Waiting:
    reports = Report.objects.open().visible_to(user)
    number = reports.one_each().count()  # as many as the queue has rows
    url = reverse("admin:chat_report_changelist")
    return Waiting(_("Open reports"), str(number), url, is_urgent=number > 0)


def _unverified() -> Waiting:
    number = User.objects.waiting().count()
    url = reverse("admin:accounts_user_waiting")
    return Waiting(_("To be confirmed"), str(number), url, is_urgent=number > 0)


def _newcomers() -> Waiting:
    since = timezone.now() - NEW
    number = User.objects.filter(date_joined__gte=since).count()
    query = urlencode({"date_joined__gte": since.isoformat()})
    url = f"{reverse('admin:accounts_user_changelist')}?{query}"
    return Waiting(_("New accounts in 7 days"), str(number), url)


# --- What is often done ---


def _tasks(user: User) -> list[tuple[str, str]]:
    offered = [
        (rights.may_issue_codes(user), _("Give out reset codes"), "admin:accounts_user_codes"),
        (rights.may_enrol(user), _("Import a list"), "admin:accounts_user_roster"),
        (
            user.has_perm("chat.add_announcement"),
            _("Write an announcement"),
            "admin:chat_announcement_add",
        ),
        (
            user.has_perm("chat.view_auditentry"),
            _("Look into the audit log"),
            "admin:chat_auditentry_changelist",
        ),
    ]
    return [(words, reverse(name)) for is_allowed, words, name in offered if is_allowed]


# --- Numbers ---


def _numbers(user: User) -> list[Waiting]:
    numbers = []
    if user.has_perm("accounts.view_user"):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        numbers += [
            Waiting(_("People"), str(User.objects.present().count())),
            Waiting(_("Seen today"), str(_seen_since(midnight))),
            Waiting(_("Messages today"), _sent_since(midnight)),
        ]
    return [*numbers, _storage(), _backup(), _mail()]


def _seen_since(moment: datetime) -> int:
    recent = UserSession.objects.filter(last_seen_at__gte=moment)
    return recent.values("user").distinct().count()


def _sent_since(moment: datetime) -> str:
    """Count the messages since then among the newest, which their ids find without a search."""
    newest = Message.objects.aggregate(id=Max("id"))["id"] or 0
    recent = Message.objects.seen().filter(id__gt=newest - COUNTED)
    number = recent.filter(sent_at__gte=moment).count()
    return f"{number}+" if number == COUNTED else str(number)


def _storage() -> Waiting:
    words = _("%(used)s used by the database, %(free)s free") % {
        "used": filesizeformat(bytes_used()),
        "free": filesizeformat(shutil.disk_usage(settings.DATA_DIR).free),
    }
    return Waiting(_("Storage"), words)


def _backup() -> Waiting:
    newest = newest_backup()
    if newest is None:
        return Waiting(_("Newest backup"), _("there is none"))
    if newest.is_of_the_future:
        return Waiting(_("Newest backup"), _("dated in the future"))
    words = _("%(time)s ago") % {"time": timesince(newest.made_at)}
    return Waiting(_("Newest backup"), words)


def _mail() -> Waiting:
    words = {
        "off": _("off: no mail is sent, forgotten passwords go through an administrator"),
        "console": _("console: mail is printed, not sent"),
        "qq": _("QQ mail"),
        "smtp": _("a mail server"),
    }
    return Waiting(_("Mail"), words[settings.MAIL_MODE])
