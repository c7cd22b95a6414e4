from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Conversation(models.Model):
    """A chat of two. Its members stand in `Membership`, so that groups have a place."""

    # CASCADE on both: whichever way a user is deleted, the conversation goes too.
    low = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    high = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["low", "high"], name="chat_conversation_once"),
            models.CheckConstraint(condition=Q(low__lt=F("high")), name="chat_conversation_order"),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Membership(models.Model):
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    # A message id, not a foreign key: the cursor outlives the message it stands on.
    last_read = models.BigIntegerField(default=0)
    last_read_at = models.DateTimeField(null=True)
    pinned = models.BooleanField(default=False)
    muted = models.BooleanField(default=False)
    hidden_through = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="chat_member_once"),
        ]

    def __str__(self) -> str:
        return f"member {self.user_id} of conversation {self.conversation_id}"


class Message(models.Model):
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", db_index=False
    )
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    text = models.TextField(max_length=4000)
    client_id = models.UUIDField()
    # Keyed digest of recipient and text: tells a retry from another message under its id,
    # also after the text is gone.
    digest = models.BinaryField(max_length=16)
    sent_at = models.DateTimeField()
    recalled_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A browser that lost the answer sends again: same id, same message.
            models.UniqueConstraint(fields=["sender", "client_id"], name="chat_message_sent_once"),
        ]
        indexes = [
            # History by the page, newest message, unread count.
            models.Index(fields=["conversation", "id"], name="chat_message_page"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class Event(models.Model):
    """One thing that happened, for one person, the members of one conversation, or everyone."""

    class Kind(models.TextChoices):
        MESSAGE = "message"
        MESSAGE_CHANGED = "message_changed"
        READ = "read"
        FRIEND_REQUEST = "friend_request"
        REQUEST_CHANGED = "request_changed"
        FRIEND_ADDED = "friend_added"
        FRIEND_CHANGED = "friend_changed"
        FRIEND_REMOVED = "friend_removed"
        CONVERSATION_CHANGED = "conversation_changed"
        ANNOUNCEMENT = "announcement"
        NOTICE = "notice"
        SESSION = "session"

    kind = models.CharField(max_length=24, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="events", null=True
    )
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="events", null=True
    )
    message = models.ForeignKey(Message, models.CASCADE, related_name="+", null=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) | Q(conversation=None), name="chat_event_one_audience"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
