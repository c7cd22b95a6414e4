from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.db.models import Q, Subquery
from django.db.models.functions import Coalesce

from webchat.database.prepared import fetch

from .conversations import Conversation, Message

KEPT_FOR = timedelta(days=7)  # at least: after a longer absence, the page reloads


class EventQuerySet(models.QuerySet["Event"]):
    def before_the_first_since(self, moment: datetime) -> EventQuerySet:
        """Filter in the order of the ids, as the clock may have been changed in between."""
        first = self.filter(created_at__gte=moment).order_by("id").values("id")[:1]
        newest = self.order_by("-id").values("id")[:1]
        return self.filter(id__lt=Coalesce(Subquery(first), Subquery(newest) + 1))

    def for_everyone(self) -> EventQuerySet:
        return self.filter(user=None, conversation=None)

    def for_members_of(self, conversation_ids: Any) -> EventQuerySet:
        return self.filter(user=None, conversation__in=conversation_ids)


class Event(models.Model):
    """An entry of the event log.

    Its audience is `user` where that is set, else the members of `conversation`, else
    everyone. `data` holds ids and numbers as they were at that moment; names and texts are
    looked up when the event is shown.
    """

    class Kind(models.TextChoices):
        MESSAGE = "message"
        MESSAGE_CHANGED = "message_changed"
        MESSAGE_HIDDEN = "message_hidden"
        READ = "read"
        FRIEND_REQUEST = "friend_request"
        REQUEST_CHANGED = "request_changed"
        FRIEND_ADDED = "friend_added"
        FRIEND_CHANGED = "friend_changed"
        FRIEND_REMOVED = "friend_removed"
        CONVERSATION_CHANGED = "conversation_changed"
        ANNOUNCEMENT = "announcement"
        NOTICE = "notice"
        RENAMED = "renamed"
        SESSION = "session"

    kind = models.CharField(max_length=24, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", null=True, db_index=False
    )
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+", null=True)
    # Deleted with its conversation, in one DELETE: a second cascade through the messages would
    # load each of them first.
    message = models.ForeignKey(Message, models.DO_NOTHING, related_name="+", null=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            # Of the few that are one person's: a message costs no entry, and no page in the log.
            models.Index(
                fields=["user"], condition=Q(user__isnull=False), name="chat_event_of_user"
            ),
            # Finds announcements in a log that is nearly all conversations.
            models.Index(
                fields=["id"],
                condition=Q(user=None, conversation=None),
                name="chat_event_for_everyone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


# The id up to which the log is pruned, and its newest id; the greater of the two is its head.
BOUNDS = """
SELECT max(pruned_through), max(newest) FROM (
    SELECT 0 AS pruned_through, 0 AS newest
    UNION ALL SELECT pruned_through, head_at_least FROM chat_eventlog
    UNION ALL SELECT 0, max(id) FROM chat_event
) AS log
"""


class EventLogQuerySet(models.QuerySet["EventLog"]):
    def bounds(self) -> tuple[int, int]:
        """Return the ids between which the log can tell what happened."""
        [(pruned_through, newest)] = fetch(connection, BOUNDS, ())
        return pruned_through, max(pruned_through, newest)

    def head(self) -> int:
        """Return the id of the newest event, even if its row is gone."""
        return self.bounds()[1]


class EventLog(models.Model):
    """The one row that remembers what the log itself forgets."""

    # Events up to this id may be gone: a page with an older cursor must reload.
    pruned_through = models.BigIntegerField(default=0)
    # The head is never below this, though the newest rows may be deleted with an account.
    head_at_least = models.BigIntegerField(default=0)

    objects = EventLogQuerySet.as_manager()

    def __str__(self) -> str:
        return f"pruned through {self.pruned_through}"


class Typing(models.Model):
    """Unused: kept for the previous release, in case of a rollback.

    Notes of typing go from worker to worker in memory (`chat.live.neighbours`).
    """

    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "recipient"], name="chat_typing_once"),
        ]

    def __str__(self) -> str:
        return f"typing {self.pk}"


class Presence(models.Model):
    """A note that somebody has a page open: renewed while it is, never replayed."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"user {self.user_id} at {self.seen_at:%H:%M:%S}"
