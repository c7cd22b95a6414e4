from __future__ import annotations

from typing import Any

from accounts.models import User
from chat import events
from chat.models import Event, Notice


def give_notice(user: User, kind: Notice.Kind, **facts: Any) -> None:
    """Tell one person something, at once where they have a page open. In a transaction."""
    notice = Notice.objects.create(user=user, kind=kind, **facts)
    events.record([Event(kind=Event.Kind.NOTICE, user=user, data={"notice": notice.pk})])
