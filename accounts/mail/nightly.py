"""Mail to superusers about the nightly run: one a day while it fails, one when it is well."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from webchat import mail_failures
from webchat.nightly import Nightly

from . import sending

ONE_EACH = timedelta(hours=20)  # a day, less the delay that the timer adds at random

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The number of those who were told, and why others were not, without addresses."""

    told: int = 0
    reasons: tuple[str, ...] = ()


def tell_superusers(run: Nightly) -> Outcome:
    """Mail about a run to each if there is something to say, though another's mail failed.

    Nobody can say yet that a run is well that is not finished.
    """
    if settings.MAIL_MODE == "off" or not _is_news(run):
        return Outcome()
    people = User.objects.filter(is_superuser=True, is_active=True).exclude(email="")
    answers = [_tell(user, run) for user in people]
    reasons = tuple(dict.fromkeys(filter(None, answers)))
    return Outcome(answers.count(""), reasons)


def _tell(user: User, run: Nightly) -> str:
    """Mail to one person; return why it failed, or ""."""
    try:
        sending.send_now("nightly", to=user.email, user=user, failures=list(run.failures.items()))
    except (OSError, SMTPException) as error:
        return mail_failures.words_of(error, to=[user.email])
    except ValueError as error:  # no address at all; the words are of some library
        logger.error("No mail about the nightly run could be made: %s", type(error).__name__)
        return _("No mail can be written to one of the addresses.")
    return ""


def _is_news(run: Nightly) -> bool:
    if run.is_well:
        return run.mailed_at is not None and not run.is_unfinished
    return run.mailed_at is None or run.at - run.mailed_at >= ONE_EACH
