from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.signals import account_summary, trace_found
from accounts.traces import Kept, Trace

from .models import FriendRequest, Friendship
from .services import part_with_everyone


@receiver(pre_delete, sender=User, dispatch_uid="friends_part_with_everyone")
def before_deletion(instance: User, **kwargs: Any) -> None:
    part_with_everyone(instance)


@receiver(account_summary)
def count_friends(users: list[User], **kwargs: Any) -> dict[str, int]:
    waiting = Q(sender__in=users) | Q(recipient__in=users)
    return {
        "friends": Friendship.objects.filter(owner__in=users).count(),
        "requests": FriendRequest.objects.filter(waiting).count(),
    }


@receiver(trace_found)
def explain_trace(trace: Trace, **kwargs: Any) -> Kept | None:
    if trace.column in ("note", "remark"):
        return Kept(_("somebody else's words"))
    return None
