"""The audit log: each look and act of the staff, written in the transaction of the act."""

from __future__ import annotations

from accounts.models import User

from .models import AuditEntry, Report


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
        detail=detail,
    )
