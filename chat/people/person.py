"""The facts about one person, on their page in the admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts import sessions, staff
from accounts.models import User
from chat.models import AuditEntry, Notice, Report

from . import services

ROWS_AT_MOST = 10  # of reports and of acts: the lists behind their links show the rest


@dataclass(frozen=True, slots=True)
class Some:
    """The newest rows of a list, and how many there are in all."""

    rows: list[Any]
    number: int

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> Some:
        return cls(list(rows[:ROWS_AT_MOST]), rows.count())


def facts(*, by: User, about: User) -> dict[str, Any]:
    """Return what somebody of the staff may see of a person; each key only where they may."""
    known: dict[str, Any] = {"may_confirm": False, "role": role_of(about)}
    if about.unverified_since is not None:
        known["may_confirm"] = services.may_confirm(by, about)
    if by.pk == about.pk or staff.may_touch(by, about, "chat.moderate_user"):
        known["devices"] = sessions.list_of(about, None)
        known["may_sign_out"] = services.may_sign_out(by, about)
    # Nobody but a superuser sees who has reported them.
    if by.has_perm("chat.view_report") and (by.is_superuser or by.pk != about.pk):
        reports = Report.objects.visible_to(by).order_by("-id")
        known["reports_about"] = Some.of(reports.filter(about=about))
        known["reports_by"] = Some.of(reports.filter(reporter=about))
    if by.has_perm("chat.view_auditentry"):
        is_judge = staff.may_touch(by, about, "chat.moderate_user")
        known["history"] = _history(by, about, with_words=is_judge)
    return known


def role_of(user: User) -> str:
    """Return in a word who enters the admin; nothing for all others."""
    if user.is_superuser:
        return capfirst(_("superuser"))
    return capfirst(_("staff")) if user.is_staff else ""


def _history(by: User, about: User, *, with_words: bool) -> Some:
    """Return the newest acts about a person, and the newest warnings, these with their words.

    The looks are left out: they are many, and the audit log has them. No number of other acts
    hides the words of a warning, which stand nowhere else.

    The words are those of the notice that was given in the same transaction: the audit log outlives
    an account, and they do not.
    """
    acts = AuditEntry.objects.about(about).visible_to(by).without_looks().with_names()
    found = Some.of(acts.order_by("-id"))
    warned = acts.filter(act=AuditEntry.Act.WARNED).order_by("-id")[:ROWS_AT_MOST]
    newest = {each.pk: each for each in [*found.rows, *warned]}
    warnings = about.notices.filter(kind=Notice.Kind.WARNING).order_by("-id")
    words = iter(warnings.values_list("words", flat=True)[:ROWS_AT_MOST] if with_words else ())
    rows = [
        (newest[pk], next(words, "") if newest[pk].act == AuditEntry.Act.WARNED else "")
        for pk in sorted(newest, reverse=True)
    ]
    return Some(rows, found.number)
