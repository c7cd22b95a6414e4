"""SEND_RATE, counted from stored messages: correct across workers and restarts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models import Message


class Rate:
    """The senders of a batch, and the number of messages that each of them sent lately."""

    def __init__(self, sender_ids: Iterable[int]) -> None:
        self.recent: dict[int, list[float]] = {}
        if settings.SEND_RATE is None:
            return
        count, self.seconds = settings.SEND_RATE
        self.count = count
        self.now = timezone.now()
        window = timedelta(seconds=self.seconds)
        for sender_id in sender_ids:
            newest = Message.objects.filter(sender=sender_id).order_by("-id")
            # A message from the future was sent before the clock was set back: do not count it.
            self.recent[sender_id] = [
                (self.now - sent_at).total_seconds()
                for sent_at in newest.values_list("sent_at", flat=True)[:count]
                if timedelta() <= self.now - sent_at < window
            ]

    def refusal(self, sender_id: int) -> ValidationError | None:
        """Say why this person may not send another message now; count it if they may."""
        if settings.SEND_RATE is None:
            return None
        ages = self.recent[sender_id]
        if len(ages) < self.count:
            ages.append(0.0)
            return None
        seconds = max(1, round(self.seconds - max(ages)))
        return ValidationError(
            _("Too fast. Please wait %(retry_after)s seconds."),
            "rate_limited",
            {"retry_after": seconds},
        )
