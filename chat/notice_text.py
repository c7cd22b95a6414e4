"""The texts of notices, in the language of their reader."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from chat.models import Notice
from webchat.base.times import minute

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
    return _by_whom(
        notice,
        _("%(name)s set a new password for your account on %(time)s."),
        _("An administrator"),
    )


def _email_set(notice: Notice) -> str:
    return _by_whom(notice, _("%(name)s set the email address of your account on %(time)s."))


def _renamed(notice: Notice) -> str:
    return _("You are now called %(name)s: your old name was not possible here.") % {
        "name": notice.user.username
    }


def _by_whom(notice: Notice, sentence: str, otherwise: str = "") -> str:
    """Name who did it; `otherwise` where the maintainer may have done it at the machine."""
    name = notice.by.username if notice.by else otherwise or _("a deleted account")
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
    Kind.RENAMED: _renamed,
}
