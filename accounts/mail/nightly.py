"""Mail to superusers about the nightly run: one a day while it fails, one when it is well."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from accounts.models import User
from webchat.nightly import Nightly

from . import sending

ONE_EACH = timedelta(hours=20)  # a day, less the delay that the timer adds at random


def tell_superusers(run: Nightly, before: Nightly | None) -> bool:
    """Mail about a run if there is something to say; return whether anybody was told.

    Raises OSError or SMTPException when the mail server takes none.
    """
    if settings.MAIL_MODE == "off" or not _is_news(run, before):
        return False
    people = User.objects.filter(is_superuser=True, is_active=True).exclude(email="")
    for user in people:
        sending.send_now("nightly", to=user.email, user=user, failures=list(run.failures.items()))
    return bool(people)


def _is_news(run: Nightly, before: Nightly | None) -> bool:
    told_at = before.mailed_at if before else None
    if run.is_well:
        return told_at is not None
    return told_at is None or run.at - told_at >= ONE_EACH
