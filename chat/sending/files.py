"""The files of a batch of drafts: what was uploaded, and what is forwarded."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.access import get_message
from chat.models import Attachment, Message, Upload
from chat.models.files import CONTENT, Content, links_of, sync_names

from .drafts import Draft

RETRY_SECONDS = 10
COPIED_BYTES = 8 * 1024 * 1024  # of a file that cannot be linked: all who send wait meanwhile

logger = logging.getLogger(__name__)

Uploads = Mapping[tuple[int, UUID], Upload]


class NewFile(NamedTuple):
    """The file of a new message: the columns of its content, and the upload that had it."""

    name: str
    content: dict[str, Any]
    upload_id: int | None = None


def load_uploads(drafts: Iterable[Draft]) -> Uploads:
    """Load what these drafts send, by owner and id. Nearly always there is nothing to ask for."""
    keys = {draft.upload_key for draft in drafts if draft.upload_key}
    if not keys:
        return {}
    owners, ids = zip(*keys, strict=True)
    found = Upload.objects.filter(owner__in=owners, client_id__in=ids)
    return {(upload.owner_id, upload.client_id): upload for upload in found}


def take(upload: Upload | None) -> NewFile:
    """Take the file of an upload; raises ValidationError not_found, duplicate_id, not_finished."""
    if upload is None:
        message = _("This file is not there. Please choose it again.")
        raise ValidationError(message, "not_found")
    if upload.state == Upload.State.SENT:
        raise ValidationError(_("This file is sent already."), "duplicate_id")
    if upload.state != Upload.State.READY:
        raise ValidationError(_("This file is not complete yet."), "not_finished")
    return NewFile(upload.name, _content_of(upload), upload.pk)


def find_forwarded(sender_id: int, pk: int) -> Message:
    """Find a message that its sender may forward, as they see it; raises ValidationError."""
    try:
        _thread, message = get_message(User(pk=sender_id), pk)
    except Http404:
        raise _is_gone() from None
    if message.state != "sent":
        raise _is_gone()
    return message


def copy_of(attachment: Attachment) -> NewFile:
    """Give the file of another message a second name, so that each may go without the other.

    It takes no room where the disk has links. Raises ValidationError if the file is lost, too
    large for a disk without, or the disk refuses.
    """
    try:
        content = links_of(attachment, copied_at_most=COPIED_BYTES)
    except FileNotFoundError:
        raise _is_gone() from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            message = _("This file is too large to be forwarded here. Save it and send it again.")
            raise ValidationError(message, "too_large") from None
        logger.error("A file could not be forwarded: %s", error)
        message = _("The server is busy. Please try again in a moment.")
        raise ValidationError(message, "unavailable", {"retry_after": RETRY_SECONDS}) from None
    return NewFile(attachment.name, content)


def attach(new: Sequence[tuple[int, int, NewFile]]) -> dict[int, Attachment]:
    """Give new messages their files in their transaction: (message, conversation, file) each.

    Returns the attachments by message. Names are synced before this returns: a message that is
    acknowledged has its file, even after a power cut.
    """
    if any(file.upload_id is None for _message, _conversation, file in new):
        sync_names()
    attachments = [
        Attachment(message_id=pk, conversation_id=conversation_id, name=file.name, **file.content)
        for pk, conversation_id, file in new
    ]
    Attachment.objects.bulk_create(attachments)
    sent = [file.upload_id for _message, _conversation, file in new if file.upload_id]
    Upload.objects.filter(pk__in=sent).note_sent(timezone.now())
    return {each.message_id: each for each in attachments}


def _content_of(file: Content) -> dict[str, Any]:
    return {name: getattr(file, name) for name in CONTENT}


def _is_gone() -> ValidationError:
    return ValidationError(_("The message that you forward is not there."), "not_found")
