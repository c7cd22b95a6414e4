from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session
from django.utils.translation import gettext as _

from webchat.base.pruning import Chore, rows_chore

from . import limits
from .models import OneTimeCode, RetiredUsername, User


def chores(now: datetime) -> list[Chore]:
    """Return the chores that delete what accounts no longer need."""
    return [
        rows_chore(_("ended sessions"), Session.objects.filter(expire_date__lte=now)),
        # One at a time: deleting an account takes long.
        rows_chore(_("accounts never verified"), User.objects.lapsed(), at_once=1),
        rows_chore(_("expired codes"), OneTimeCode.objects.over(now)),
        rows_chore(_("names held back"), RetiredUsername.objects.filter(expires_at__lte=now)),
        rows_chore(_("counted attempts"), limits.outdated(now)),
    ]
