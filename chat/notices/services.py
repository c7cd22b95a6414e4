"""Notices from the staff to one person, and announcements of the administrator to everyone."""

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
    """Notify one person, at once if they have a page open. Call it in a transaction."""
    notice = Notice.objects.create(user=user, kind=kind, **facts)
    writing.record([Event(kind=Event.Kind.NOTICE, user=user, data={"notice": notice.pk})])


def confirm(*, notice: Notice) -> None:
    Notice.objects.waiting().filter(pk=notice.pk).update(confirmed_at=timezone.now())


def announce(*, by: User, announcement: Announcement) -> None:
    """Announce a text to everyone, even to people who have seen an earlier wording."""
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
    """Move somebody's cursor forward, at most to the newest edition."""
    with transaction.atomic():
        newest = Announcement.objects.order_by("-edition").values_list("edition", flat=True).first()
        up_to = min(up_to, newest or 0)
        cursor, _is_new = AnnouncementCursor.objects.get_or_create(user=user)
        if cursor.seen_through < up_to:
            cursor.seen_through = up_to
            cursor.save(update_fields=["seen_through"])
