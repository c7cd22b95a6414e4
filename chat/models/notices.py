from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .moderation import Report

KEYS_SHOWN_FOR = timedelta(days=30)  # the lifetime of a session begun with them
ANNOUNCEMENTS_AT_ONCE = 3  # a newcomer finds the older ones on their page


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def unseen_by(self, user: User) -> AnnouncementQuerySet:
        seen = AnnouncementCursor.objects.filter(user=user, seen_through__gte=OuterRef("edition"))
        return self.filter(~Exists(seen), edition__gt=0)


class Announcement(models.Model):
    """A text by the administrator that everyone is shown once, and again when it changes."""

    text = models.TextField(_("text"), max_length=2000)
    # The id of the event that last announced it: it only grows, whatever the clock does.
    edition = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("announced at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-edition"]

    def __str__(self) -> str:
        return _("Announcement %(number)s") % {"number": self.pk}


class AnnouncementCursor(models.Model):
    """The edition up to which somebody has seen the announcements; it only moves forward."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    seen_through = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"user {self.user_id} has seen through {self.seen_through}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def waiting(self) -> NoticeQuerySet:
        return self.filter(confirmed_at=None)

    def about_keys(self) -> NoticeQuerySet:
        """Filter notices of a code that the staff issued, or a password or mail that they set."""
        kinds = (Notice.Kind.CODE_ISSUED, Notice.Kind.PASSWORD_SET, Notice.Kind.EMAIL_SET)
        return self.filter(kind__in=kinds)

    def shown_among_devices(self, now: datetime) -> NoticeQuerySet:
        """Filter notices about keys, even confirmed: whoever used the key may have done that."""
        return self.about_keys().exclude(pk__in=self.keys_over(now))

    def keys_over(self, now: datetime) -> NoticeQuerySet:
        old = self.about_keys().filter(created_at__lte=now - KEYS_SHOWN_FOR)
        return old.exclude(confirmed_at=None)


class Notice(models.Model):
    """A message from the staff to one person, who has to confirm it."""

    class Kind(models.TextChoices):
        WARNING = "warning"
        MUTED = "muted"
        UNMUTED = "unmuted"
        REPORT_ACTED = "report_acted"
        REPORT_DISMISSED = "report_dismissed"
        CODE_ISSUED = "code_issued"
        PASSWORD_SET = "password_set"  # noqa: S105
        EMAIL_SET = "email_set"
        RENAMED = "renamed"  # by an import: the old name was not possible here

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=24, choices=Kind)
    # Set for notices about keys; null again when that account is gone.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True)
    words = models.TextField(max_length=500, blank=True)  # the moderator's own
    until = models.DateTimeField(null=True)
    report = models.ForeignKey(Report, models.CASCADE, related_name="+", null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [
            # Every page asks for waiting notices.
            models.Index(
                fields=["user"], condition=models.Q(confirmed_at=None), name="chat_notice_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"
