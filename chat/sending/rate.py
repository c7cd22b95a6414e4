"""SEND_RATE, counted from stored messages: correct across workers and restarts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chat.models import Message
from webchat.database.bulk import loaded
from webchat.database.dialect import given_rows, list_of, one_list, stored_moment
from webchat.database.prepared import Transaction

# A message from the future was sent before the clock was set back: it does not count.
LATELY = """
SELECT sent_at FROM (
    SELECT message.sent_at FROM chat_message message
    WHERE message.sender_id = sender.id ORDER BY message.id DESC LIMIT %s
) AS newest WHERE sent_at > %s AND sent_at <= %s
"""
QUESTION = f"""
WITH sender (number, id) AS MATERIALIZED ({given_rows(1)})
SELECT {one_list(("sender.id", list_of("sent_at", LATELY)))} FROM sender
"""  # noqa: S608  (nothing in it comes from outside)


class Rate:
    """The senders of a batch, and the number of messages that each of them sent lately."""

    def __init__(self, database: Transaction, sender_ids: Iterable[int], now: datetime) -> None:
        self.recent: dict[int, list[float]] = {}
        if settings.SEND_RATE is None:
            return
        self.count, self.seconds = settings.SEND_RATE
        senders = json.dumps([[sender_id] for sender_id in sender_ids])
        since, until = now - timedelta(seconds=self.seconds), now
        asked = senders, self.count, stored_moment(since), stored_moment(until)
        answer = database.ask(QUESTION, asked)
        for sender_id, moments in json.loads(answer):
            sent = (loaded(Message, "sent_at", moment) for moment in moments)
            self.recent[sender_id] = [(now - sent_at).total_seconds() for sent_at in sent]

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
