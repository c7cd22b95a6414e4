"""Numbers about a server: its people, their messages, and the room that they take."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db.models import Count as DbCount
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from webchat.database.backup import backups_in, bytes_of, own_folder
from webchat.database.connecting import bytes_free, bytes_used
from webchat.database.patience import TookTooLong, limit_statements
from webchat.database.steps import Step, quietly

from .models import Attachment, Conversation, Message, Report
from .models.files import attachments_folder

DAYS = 7
# Of the processor, for each number: people go on talking meanwhile, and share it.
SECONDS = 1.0

COUNTS = 11 + 2 * DAYS  # that `step` hears of
Count = int | None  # None where it took too long
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Files:
    """Files that were sent in a day, and their bytes."""

    number: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What `collect` found, in people, messages, files and bytes."""

    at: datetime
    people: Count
    active_today: Count
    active_7_days: Count
    active_30_days: Count
    waiting_newcomers: Count
    banned: Count
    staff: Count
    conversations: Count
    messages: Count
    messages_by_day: dict[date, Count]
    files: Count
    files_by_day: dict[date, Files | None]
    open_reports: Count
    backups: int
    database_bytes: int
    free_bytes_in_database: int
    files_bytes: int
    backups_bytes: int
    disk_free_bytes: int


def collect(step: Step = quietly) -> Statistics:
    """Count everything; a number that takes more than a second of the processor stays unknown.

    `step` hears of each count.
    """
    count = partial(_count, step)
    now = timezone.now()
    backups = backups_in(own_folder())
    return Statistics(
        at=now,
        people=count(User.objects.present),
        active_today=count(lambda: _active_since(_beginning(timezone.localdate(now)))),
        active_7_days=count(lambda: _active_since(now - timedelta(days=7))),
        active_30_days=count(lambda: _active_since(now - timedelta(days=30))),
        waiting_newcomers=count(User.objects.waiting),
        banned=count(lambda: User.objects.filter(is_active=False)),
        staff=count(User.objects.staff),
        conversations=count(Conversation.objects.seen),
        messages=count(Message.objects.seen),
        messages_by_day={day: count(partial(_of, day)) for day in _days_until(now)},
        files=count(Attachment.objects.seen),
        files_by_day={day: _within(step, partial(_files_of, day)) for day in _days_until(now)},
        open_reports=count(Report.objects.open),
        backups=len(backups),
        database_bytes=bytes_used(),
        free_bytes_in_database=bytes_free(),
        files_bytes=_bytes_in(attachments_folder()),
        backups_bytes=bytes_of(backups),
        disk_free_bytes=shutil.disk_usage(settings.DATA_DIR).free,
    )


def first_since(moment: datetime) -> int:
    """Return the id of the first message written at that moment or later, or one beyond all ids.

    By halving, some dozens of look-ups: `sent_at` has no index, as nothing else needs one. Around a
    step of the clock it is off by the messages of the step. What an import brought is passed over:
    it may be of any time, but was brought later than that.
    """
    by_id = Message.objects.written_here().order_by("id").values_list("id", "sent_at")
    newest = Message.objects.aggregate(id=Max("id"))["id"] or 0
    low, high = 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        found = by_id.filter(id__gte=middle, id__lt=high).first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low


def _days_until(now: datetime) -> list[date]:
    """Return the last days, today first."""
    today = timezone.localdate(now)
    return [today - timedelta(days=ago) for ago in range(DAYS)]


def _of(day: date) -> QuerySet:
    begins, ends = _beginning(day), _beginning(day + timedelta(days=1))
    since = Message.objects.seen().filter(id__gte=first_since(begins))
    return since.filter(sent_at__gte=begins, sent_at__lt=ends)


def _files_of(day: date) -> Files:
    """Count each as large as it is, though a forwarded one shares its room with the first."""
    found = Attachment.objects.filter(message__in=_of(day))
    return Files(**found.aggregate(number=DbCount("pk"), bytes=Coalesce(Sum("size"), 0)))


def _active_since(moment: datetime) -> QuerySet:
    return User.objects.with_last_seen().seen_since(moment)


def _count(step: Step, find: Callable[[], QuerySet]) -> Count:
    """Count rows; what is read to find them, as the border of a day, is of the same second."""
    return _within(step, lambda: find().count())


def _within(step: Step, measure: Callable[[], T]) -> T | None:
    try:
        with limit_statements(SECONDS):
            return measure()
    except TookTooLong:
        return None
    finally:
        step(1)


def _beginning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


def _bytes_in(folder: Path) -> int:
    """Return the room of the files in a folder, once for those that share it."""
    sizes = {}
    names = os.listdir(folder) if folder.is_dir() else []
    for name in names:
        with suppress(FileNotFoundError):  # its message is recalled just now
            found = (folder / name).lstat()
            sizes[found.st_ino] = found.st_size
    return sum(sizes.values())
