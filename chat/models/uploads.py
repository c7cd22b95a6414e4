from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Sum
from django.utils import timezone

from accounts.models import User
from webchat.database.bulk import stored
from webchat.database.dialect import stored_uuid
from webchat.database.prepared import Transaction
from webchat.database.questions import Listing, Question, given

from .files import Content, MediaKind, parts_folder

KEPT_FOR = timedelta(days=1)  # without a change; a phone that was off over night goes on
QUOTA_WINDOW = timedelta(days=1)


class UploadQuerySet(models.QuerySet["Upload"]):
    def unfinished(self) -> UploadQuerySet:
        return self.exclude(state=Upload.State.SENT)

    def note_sent(self, now: datetime) -> None:
        """Say that their files are those of messages now."""
        self.update(state=Upload.State.SENT, file="", preview="", changed_at=now)

    def over(self, now: datetime) -> UploadQuerySet:
        """Return those that nobody goes on with."""
        return self.filter(changed_at__lt=now - KEPT_FOR)


class Upload(Content):
    """A file on its way in: piece by piece into its part, then processed, until a message has it.

    The columns of its content are those of what will be sent. They are empty until it is ready,
    and once it is sent, as the attachment has them then.
    """

    class State(models.TextChoices):
        OPEN = "open"  # pieces are missing, or its sender has not said that it is complete
        PROCESSING = "processing"
        READY = "ready"
        SENT = "sent"

    class Why(models.TextChoices):
        """The reason why it is a file although it was announced as something else."""

        UNREADABLE = "unreadable"
        TOO_LARGE = "too_large"

    owner = models.ForeignKey(User, models.CASCADE, related_name="uploads")
    client_id = models.UUIDField()
    # As its sender has announced it.
    name = models.CharField(max_length=255)
    announced_kind = models.CharField(max_length=8, choices=MediaKind)
    announced_size = models.BigIntegerField()
    # Bytes from the beginning that are on the disk, synced: never more than there are.
    received = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    why = models.CharField(max_length=10, choices=Why, blank=True, db_default="")
    # Of one that is sent: it became a profile picture, and no message.
    is_face = models.BooleanField(default=False, db_default=False)
    # Our own name for its part in the folder.
    part = models.CharField(max_length=48, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = UploadQuerySet.as_manager()

    class Meta(Content.Meta):
        constraints = [
            *Content.Meta.constraints,
            # One id is one file, however often it is begun.
            models.UniqueConstraint(fields=["owner", "client_id"], name="chat_upload_once"),
            # Nobody is promised what does not exist.
            models.CheckConstraint(
                condition=Q(received__gte=0, received__lte=F("announced_size")),
                name="chat_upload_received_of_size",
            ),
        ]

    def __str__(self) -> str:
        return f"upload {self.pk}"

    @property
    def part_path(self) -> Path:
        return parts_folder() / self.part

    @property
    def is_complete(self) -> bool:
        return self.received == self.announced_size

    def note_received(self, up_to: int) -> bool:
        """Say that everything up to there is on the disk; False if that was said, or it is gone."""
        now = stored(Upload, "changed_at", timezone.now())
        with Transaction() as database:
            values = up_to, now, self.pk, self.received, self.State.OPEN.value
            return bool(database.run(NOTE_RECEIVED, values))


class Standing(NamedTuple):
    """How far an upload has come."""

    received: int
    state: str


# Asked or done for each piece, of which a file has hundreds.
MINE = Question(lambda: Upload.objects.filter(owner=given("owner"), client_id=given("client_id")))
STANDING = Listing(
    lambda: Upload.objects.filter(pk=given("pk")).values_list("received", "state"), Standing
)
NOTE_RECEIVED = """
UPDATE chat_upload SET received = %s, changed_at = %s WHERE id = %s AND received = %s AND state = %s
"""


def upload_of(owner: User, client_id: UUID) -> Upload | None:
    """Return somebody's upload by the id that its sender has given it."""
    upload = MINE.first(owner=owner.pk, client_id=stored_uuid(client_id))
    if upload is not None:
        upload.owner = owner
    return upload


class UsedQuotaQuerySet(models.QuerySet["UsedQuota"]):
    def over(self, now: datetime) -> UsedQuotaQuerySet:
        """Return those that no quota counts any more; a clock that was set back leaves some."""
        return self.filter(at__lte=now - QUOTA_WINDOW)

    def note(self, owner_id: int, size: int, at: datetime) -> None:
        """Count bytes, in a transaction that writes."""
        minute = at.replace(second=0, microsecond=0)
        if not self.filter(owner=owner_id, at=minute).update(bytes=F("bytes") + size):
            self.create(owner_id=owner_id, bytes=size, at=minute)


class UsedQuota(models.Model):
    """The bytes that somebody sent for uploads of one minute whose rows are gone.

    They count for a day.
    """

    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    bytes = models.BigIntegerField()
    at = models.DateTimeField()

    objects = UsedQuotaQuerySet.as_manager()

    class Meta:
        constraints = [
            # Beginning and giving up all day makes no more rows than a day has minutes.
            models.UniqueConstraint(fields=["owner", "at"], name="chat_usedquota_once_a_minute"),
        ]

    def __str__(self) -> str:
        return f"used quota {self.pk}"


def declared_lately(user: User, now: datetime) -> list[tuple[datetime, int]]:
    """Return what counts towards the quota of a day, and since when, the oldest first."""
    uploads, used = _counting(user, now)
    found = [*uploads.values_list("created_at", "announced_size"), *used.values_list("at", "bytes")]
    return sorted(found)


def bytes_lately(user: User, now: datetime) -> int:
    """Return the sum of what `declared_lately` lists, which may be long."""
    uploads, used = _counting(user, now)
    sums = uploads.aggregate(sum=Sum("announced_size")), used.aggregate(sum=Sum("bytes"))
    return sum(each["sum"] or 0 for each in sums)


def _counting(user: User, now: datetime) -> tuple[UploadQuerySet, UsedQuotaQuerySet]:
    since = now - QUOTA_WINDOW
    return (
        Upload.objects.filter(owner=user, created_at__gt=since, created_at__lte=now),
        UsedQuota.objects.filter(owner=user, at__gt=since, at__lte=now),
    )
