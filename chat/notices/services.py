"""Tell one person something in the name of the staff, or everyone in that of the administrator."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat import audit
from chat.log import writing
from chat.models import Announcement, AnnouncementCursor, AuditEntry, Event, Notice

Act = AuditEntry.Act


def give_notice(user: User, kind: Notice.Kind, **facts: Any) -> None:
    """Tell one person something, at once where they have a page open. In a transaction."""
    notice = Notice.objects.create(user=user, kind=kind, **facts)
    writing.record([Event(kind=Event.Kind.NOTICE, user=user, data={"notice": notice.pk})])


def confirm(*, notice: Notice) -> None:
    Notice.objects.waiting().filter(pk=notice.pk).update(confirmed_at=timezone.now())


def announce(*, by: User, announcement: Announcement) -> None:
    """Tell everyone, those who have seen an earlier wording too."""
    with transaction.atomic():
        announcement.save()
        event = Event(kind=Event.Kind.ANNOUNCEMENT, data={"announcement": announcement.pk})
        writing.record([event])
        announcement.edition = event.pk
        announcement.save(update_fields=["edition"])
        audit.write(Act.ANNOUNCED, by=by, detail=f"#{announcement.pk}")


def withdraw(*, by: User, announcement: Announcement) -> None:
    with transaction.atomic():
        audit.write(Act.WITHDRAWN, by=by, detail=f"#{announcement.pk}")
        announcement.delete()


def see_announcements(*, user: User, up_to: int) -> None:
    """Move somebody's cursor forward, never beyond what there is."""
    with transaction.atomic():
        newest = Announcement.objects.order_by("-edition").values_list("edition", flat=True).first()
        up_to = min(up_to, newest or 0)
        cursor, _is_new = AnnouncementCursor.objects.get_or_create(user=user)
        if cursor.seen_through < up_to:
            cursor.seen_through = up_to
            cursor.save(update_fields=["seen_through"])
