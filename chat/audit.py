"""The audit log: each look and act of the staff, written in the transaction of the act."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import User

from .models import AuditEntry, Report

DETAIL_LENGTH = 100  # characters, as the column has it: a name of a group may be longer


def write(
    act: AuditEntry.Act,
    *,
    by: User,
    about_number: int | None = None,
    report: Report | None = None,
    detail: str = "",
) -> None:
    AuditEntry.objects.create(
        actor_number=by.pk,
        act=act,
        about_number=about_number,
        report_number=report.pk if report else None,
        detail=detail[:DETAIL_LENGTH],
    )


def write_look(act: AuditEntry.Act, *, by: User, within: timedelta, report: Report | None) -> None:
    """Write a look, unless the same person has had the same one within that time."""
    now = timezone.now()
    recent = AuditEntry.objects.filter(actor_number=by.pk, at__gt=now - within, at__lte=now)
    number = report.pk if report else None
    if not recent.filter(act=act, report_number=number).exists():
        about_number = report.about_number if report else None
        write(act, by=by, about_number=about_number, report=report)
