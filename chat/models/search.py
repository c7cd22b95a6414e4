from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef

from accounts.models import User

from .conversations import Conversation, Message


class SearchSegmentQuerySet(models.QuerySet["SearchSegment"]):
    def of_member(self, user: User) -> SearchSegmentQuerySet:
        return self.filter(conversation__memberships__user=user)

    def empty(self) -> SearchSegmentQuerySet:
        """Filter segments at the beginning of a conversation with no message left in them.

        One that was asked for has none yet.
        """
        there = Message.objects.filter(
            conversation=OuterRef("conversation"), id__lte=OuterRef("through")
        )
        return self.filter(through__gt=0).exclude(Exists(there))

    def ask_for(self, conversation: int) -> None:
        """Have a conversation indexed from its beginning, though nobody writes in it."""
        self.filter(conversation=conversation).delete()
        self.create(conversation_id=conversation, through=0, ends=[])

    def spoiled(self) -> SearchSegmentQuerySet:
        return self.exclude(Exists(SearchFilter.objects.filter(segment=OuterRef("pk"))))


class SearchSegment(models.Model):
    """Consecutive blocks of messages in a conversation."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+", db_index=False)
    # The segment begins where the one before it ends, as do the blocks in it.
    through = models.BigIntegerField()
    # The id of the last message of each block.
    ends = models.JSONField()

    objects = SearchSegmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "through"], name="chat_search_segment_once"
            ),
        ]

    def __str__(self) -> str:
        return f"search segment {self.pk}"


class SearchFilter(models.Model):
    """One part of the filters of all blocks of a segment, concatenated.

    They rule out words that are not in a block. Without them, its messages are read themselves.
    """

    segment = models.ForeignKey(SearchSegment, models.CASCADE, related_name="+", db_index=False)
    part = models.PositiveSmallIntegerField()
    bits = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "part"], name="chat_search_filter_once"),
        ]

    def __str__(self) -> str:
        return f"part {self.part} of the filters of segment {self.segment_id}"
