from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from .conversations import Conversation, Message

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")  # what a page shows by itself


class Attachment(models.Model):
    """A file in the place of a message's text, which is empty exactly then."""

    # Falls with its conversation, as an event does.
    message = models.OneToOneField(Message, models.DO_NOTHING, related_name="attachment")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    # A name of our own making in the folder of attachments: a UUID and an extension.
    file = models.CharField(max_length=48, unique=True)
    # What its sender called it.
    name = models.CharField(max_length=255)
    # One of PICTURES only if the first bytes say the same.
    mimetype = models.CharField(max_length=127)

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
