from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class FriendRequest(models.Model):
    """A question that waits; answering or withdrawing it deletes the row."""

    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="requests_sent"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="requests_received"
    )
    note = models.CharField(_("note"), max_length=50, blank=True)
    created_at = models.DateTimeField(_("asked at"), auto_now_add=True)

    class Meta:
        verbose_name = _("friend request")
        verbose_name_plural = _("friend requests")
        constraints = [
            # Asking twice is one question.
            models.UniqueConstraint(
                fields=["sender", "recipient"], name="friends_request_asked_once"
            ),
            models.CheckConstraint(
                condition=~Q(sender=F("recipient")), name="friends_request_not_to_oneself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sender} → {self.recipient}"


class Friendship(models.Model):
    """One side of a friendship; the other side is a mirrored row."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="friendships"
    )
    friend = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    remark = models.CharField(_("remark"), max_length=16, blank=True)
    created_at = models.DateTimeField(_("friends since"), auto_now_add=True)

    class Meta:
        verbose_name = _("friendship")
        verbose_name_plural = _("friendships")
        constraints = [
            # Crossing accepts make one friendship.
            models.UniqueConstraint(fields=["owner", "friend"], name="friends_friendship_once"),
            models.CheckConstraint(
                condition=~Q(owner=F("friend")), name="friends_friendship_not_with_oneself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner} – {self.friend}"


class Block(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="blocks")
    target = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "target"], name="friends_block_once"),
            models.CheckConstraint(
                condition=~Q(owner=F("target")), name="friends_block_not_oneself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner} ⊘ {self.target}"
