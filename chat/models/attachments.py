from __future__ import annotations

from django.db import models

from .conversations import Conversation, Message
from .files import Content


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def seen(self) -> AttachmentQuerySet:
        """Leave out those of an import under way."""
        return self.exclude(conversation__in=Conversation.objects.waiting().values("pk"))


class Attachment(Content):
    """A file in place of a message's text, which is empty then and only then."""

    # Deleted with its conversation, as an event is.
    message = models.OneToOneField(Message, models.DO_NOTHING, related_name="attachment")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    file = models.CharField(max_length=48, unique=True)
    # The sender's name for it.
    name = models.CharField(max_length=255)

    objects = AttachmentQuerySet.as_manager()

    def __str__(self) -> str:
        return f"attachment {self.pk}"
