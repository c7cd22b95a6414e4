"""The front page of the admin: pending work, and the state of the server."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.models import User
from chat.models import Report
from webchat.database.backup import newest_backup
from webchat.database.connecting import bytes_used
from webchat.health import LOW_DISK_BYTES

NEW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Waiting:
    label: str
    value: str
    url: str = ""
    is_urgent: bool = False


def look(user: User) -> list[Waiting]:
    """List what this moderator may know."""
    waiting = []
    if user.has_perm("chat.view_report"):
        waiting.append(_reports())
    if user.has_perm("accounts.view_user"):
        waiting.append(_newcomers())
    return [*waiting, _storage(), _mail(), _backup()]


def _reports() -> Waiting:
    number = Report.objects.open().one_each().count()  # as many as the queue has rows
    url = reverse("admin:chat_report_changelist")
    return Waiting(_("Open reports"), str(number), url, is_urgent=number > 0)


def _newcomers() -> Waiting:
    since = timezone.now() - NEW
    number = User.objects.filter(date_joined__gte=since).count()
    query = urlencode({"date_joined__gte": since.isoformat()})
    url = f"{reverse('admin:accounts_user_changelist')}?{query}"
    return Waiting(_("New accounts in 7 days"), str(number), url)


def _storage() -> Waiting:
    free = shutil.disk_usage(settings.DATA_DIR).free
    words = _("%(used)s used by the database, %(free)s free") % {
        "used": filesizeformat(bytes_used()),
        "free": filesizeformat(free),
    }
    return Waiting(_("Storage"), words, is_urgent=free < LOW_DISK_BYTES)


def _mail() -> Waiting:
    words = {
        "off": _("off: no mail is sent, forgotten passwords go through an administrator"),
        "console": _("console: mail is printed, not sent"),
        "qq": _("QQ mail"),
        "smtp": _("a mail server"),
    }
    return Waiting(_("Mail"), words[settings.MAIL_MODE], is_urgent=settings.MAIL_MODE == "console")


def _backup() -> Waiting:
    newest = newest_backup()
    if newest is None:
        return Waiting(_("Newest backup"), _("there is none"), is_urgent=True)
    if newest.is_of_the_future:
        return Waiting(_("Newest backup"), _("dated in the future"), is_urgent=True)
    words = _("%(time)s ago") % {"time": timesince(newest.made_at)}
    return Waiting(_("Newest backup"), words, is_urgent=newest.is_old)
