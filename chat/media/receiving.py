"""The receiving half of uploads: pieces come in any number of tries, and each is there once.

`received` moves only after its bytes are synced, and only under the lock of the part, so it never
says more than what is on the disk: a kill between the two means that the piece comes again.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.models import MediaKind, Upload, UsedQuota
from chat.models.files import new_name, parts_folder
from chat.models.uploads import QUOTA_WINDOW, STANDING, bytes_lately, declared_lately
from chat.sending.drafts import parse_client_id
from chat.sending.posting import why_unsendable
from webchat.base.holding import holding
from webchat.base.numbers import integer
from webchat.database import locks
from webchat.database.folders import FULL, sync_folder
from webchat.database.sizes import size as in_words

from .names import clean_name
from .processing import has_room

PIECE_BYTES = 1024 * 1024  # the largest that is taken: the plain limit of nginx, 1m
# Asked for: a request costs five times as much as a megabyte that is in it. It passes a proxy that
# takes a million bytes, and on a line of 17 KB/s it is there within the minute that a body has; our
# page sends shorter ones where the line is slow.
PIECE = 960 * 1024
UNFINISHED_AT_MOST = 20  # of one person at once; a page sends nine
BUSY_SECONDS = 2  # for another tab that sends the same file right now
LEFT_FOR = timedelta(minutes=10)  # without a change, as when a phone has closed the page
CROWDED_SECONDS = 60
FULL_SECONDS = 60  # a disk is not emptied sooner
BROKEN_SECONDS = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Announced:
    """A file before its first piece: the input, checked without the database."""

    client_id: UUID
    name: str
    size: int
    kind: str

    @classmethod
    def parse(cls, *, client_id: Any, name: Any, size: Any, kind: Any) -> Announced:
        """Raises ValidationError: invalid, too_long, too_large."""
        if kind not in MediaKind.values:
            raise ValidationError(_("“%(name)s” is not known."), "invalid", {"name": "kind"})
        found = cls(parse_client_id(client_id), clean_name(name), _size(size), kind)
        if found.size > settings.UPLOAD_LIMIT:
            limit = in_words(settings.UPLOAD_LIMIT).replace(".0 ", " ")
            message = _("The file is too large (at most %(limit)s).")
            raise ValidationError(message, "too_large", {"limit": limit})
        return found

    def is_of(self, upload: Upload) -> bool:
        theirs = (upload.name, upload.announced_size, upload.announced_kind)
        return theirs == (self.name, self.size, self.kind)


def begin(*, owner: User, announced: Announced) -> tuple[Upload, bool]:
    """Begin an upload, once, and return whether it is new.

    Raises ValidationError: duplicate_id if its id stands for another file, muted, rate_limited,
    unavailable if the disk has no room for it.
    """
    with holding(owner):
        found = Upload.objects.filter(owner=owner, client_id=announced.client_id).first()
        if found is not None:
            if not announced.is_of(found):
                message = _("This id stands for another file. Please choose the file again.")
                raise ValidationError(message, "duplicate_id")
            return found, False
        now = timezone.now()
        _refuse_muted(owner, now)
        _make_place(owner, now)
        _refuse_over(owner, announced.size, now)
        _refuse_without_room(2 * announced.size)  # its part and its clean copy
        upload = Upload.objects.create(
            owner=owner,
            client_id=announced.client_id,
            name=announced.name,
            announced_size=announced.size,
            announced_kind=announced.kind,
            part=new_name(),
            created_at=now,
            changed_at=now,
        )
    return upload, True


def take_piece(*, upload: Upload, offset: int, piece: bytes) -> int:
    """Write a piece where it belongs and return how much is there now; at most once.

    Raises ValidationError: invalid for more than was announced, wrong_offset for a gap or an
    overlap, muted, unavailable without room, or while another tab sends the same; Http404.
    """
    end = offset + len(piece)
    if offset < 0 or end > upload.announced_size:
        raise ValidationError(_("That is more than the file has."), "invalid")
    if end <= upload.received:
        return upload.received
    if offset != upload.received:
        raise _wrong_offset(upload)
    _refuse_muted(upload.owner, timezone.now())
    _refuse_without_room(len(piece))
    with _writing(upload) as part:
        _bring_up_to_date(upload, part)
        if end <= upload.received:
            return upload.received
        if offset != upload.received:
            raise _wrong_offset(upload)
        _write(part, piece, offset)
        if not upload.note_received(end):
            _bring_up_to_date(upload, part)
            raise _wrong_offset(upload)
    return end


def give_up(*, upload: Upload) -> None:
    """Delete an upload and its part; what was sent of it counts towards the quota of the day.

    Raises ValidationError("duplicate_id") when its message is there.
    """
    with holding(upload):
        if upload.state == Upload.State.SENT:
            raise ValidationError(_("This file is sent already."), "duplicate_id")
        delete(upload)


def delete(upload: Upload) -> None:
    """Delete an upload in a transaction, and remember what it has used of the quota."""
    if upload.received:
        UsedQuota.objects.note(upload.owner_id, upload.received, upload.created_at)
    upload.delete()


def _size(value: Any) -> int:
    if not isinstance(value, int):
        raise ValidationError(_("“%(name)s” must be a whole number."), "invalid", {"name": "size"})
    size = integer(value, name="size")
    if size < 1:
        raise ValidationError(_("The file is empty."), "invalid")
    return size


def _refuse_muted(owner: User, now: datetime) -> None:
    why = why_unsendable(muted_until=owner.muted_until, is_there=True, is_blocking=False, now=now)
    if why is not None:
        raise why


def _make_place(owner: User, now: datetime) -> None:
    """Give up the upload that was left for the longest time, if there are too many."""
    unfinished = Upload.objects.filter(owner=owner).unfinished()
    if unfinished.count() < UNFINISHED_AT_MOST:
        return
    left = unfinished.filter(changed_at__lt=now - LEFT_FOR).order_by("changed_at").first()
    if left is None:
        message = _("Too many files are on their way. Please wait until some are sent.")
        raise ValidationError(message, "rate_limited", {"retry_after": CROWDED_SECONDS})
    delete(left)


def _refuse_over(owner: User, size: int, now: datetime) -> None:
    over = bytes_lately(owner, now) + size - settings.UPLOAD_DAILY
    if over > 0:
        seconds = _seconds_to_wait(declared_lately(owner, now), over, now)
        message = _("You have sent as much as one can in a day. Please try again later.")
        raise ValidationError(message, "rate_limited", {"retry_after": seconds})


def _seconds_to_wait(declared: list[tuple[datetime, int]], over: int, now: datetime) -> int:
    """Return the seconds until so many bytes count no longer."""
    for at, each in declared:
        over -= each
        if over <= 0:
            return max(1, math.ceil((at + QUOTA_WINDOW - now).total_seconds()))
    return math.ceil(QUOTA_WINDOW.total_seconds())


def _refuse_without_room(size: int) -> None:
    if not has_room(size):
        raise _short_of_room()


def _short_of_room() -> ValidationError:
    message = _("The server is short of room for files. Text can still be sent.")
    return ValidationError(message, "unavailable", {"retry_after": FULL_SECONDS})


def refused_by_disk(error: OSError) -> ValidationError:
    """Return what the sender is told; only of a full disk is that all that there is to say."""
    if error.errno in FULL:
        return _short_of_room()
    logger.error("The disk refuses a file of a message: %s", error)
    message = _("The server is busy. Please try again in a moment.")
    return ValidationError(message, "unavailable", {"retry_after": BROKEN_SECONDS})


@contextmanager
def _writing(upload: Upload) -> Iterator[int]:
    """Hold the part of an upload: no other tab, thread or worker writes into it meanwhile."""
    try:
        parts_folder().mkdir(mode=0o700, exist_ok=True)
        part = locks.take(upload.part_path, seconds=BUSY_SECONDS)
    except OSError as error:
        raise refused_by_disk(error) from None
    except locks.HeldError:
        message = _("The server is busy. Please try again in a moment.")
        raise ValidationError(message, "unavailable", {"retry_after": 1}) from None
    with part:
        yield part.fileno()


def _bring_up_to_date(upload: Upload, part: int) -> None:
    """Fetch the row again; of a part that has lost bytes, nothing counts as received."""
    standing = STANDING.first(pk=upload.pk)
    if standing is None:
        upload.part_path.unlink(missing_ok=True)
        raise Http404
    upload.received, upload.state = standing
    if upload.state == Upload.State.OPEN and os.fstat(part).st_size < upload.received:
        upload.note_received(0)
        upload.received = 0


def _write(part: int, piece: bytes, offset: int) -> None:
    """Write a piece and sync it, and at the beginning of a file its name, too."""
    left = memoryview(piece)
    try:
        while left:
            written = os.pwrite(part, left, offset)
            left, offset = left[written:], offset + written
        os.fdatasync(part)  # its length, too, which is all that reading it needs
        if offset == len(piece):
            sync_folder(parts_folder())
            sync_folder(settings.DATA_DIR)
    except OSError as error:
        raise refused_by_disk(error) from None


def _wrong_offset(upload: Upload) -> ValidationError:
    message = _("This piece does not follow what is there.")
    facts = {"beside": {"received": upload.received}}
    return ValidationError(message, "wrong_offset", facts)
