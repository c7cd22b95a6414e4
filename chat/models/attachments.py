from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from .conversations import Conversation, Message
from .rows import PICTURES


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def seen(self) -> AttachmentQuerySet:
        """Leave out those of an import under way."""
        return self.exclude(conversation__in=Conversation.objects.waiting().values("pk"))


class Attachment(models.Model):
    """A file in place of a message's text, which is empty then and only then."""

    # Deleted with its conversation, as an event is.
    message = models.OneToOneField(Message, models.DO_NOTHING, related_name="attachment")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    # Our own name for it in the folder of attachments: a UUID and an extension.
    file = models.CharField(max_length=48, unique=True)
    # The sender's name for it.
    name = models.CharField(max_length=255)
    # One of PICTURES only if the first bytes agree.
    mimetype = models.CharField(max_length=127)

    objects = AttachmentQuerySet.as_manager()

    def __str__(self) -> str:
        return f"attachment {self.pk}"

    @property
    def path(self) -> Path:
        return attachments_folder() / self.file

    @property
    def is_picture(self) -> bool:
        return self.mimetype in PICTURES


def attachments_folder() -> Path:
    folder: Path = settings.DATA_DIR / "attachments"
    return folder
