"""The one rule on whose account somebody may touch, for the admin's pages and the services."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from .models import User


def may_touch(by: User, about: User, permission: str) -> bool:
    """Return whether the permission covers that account: only superusers touch the staff."""
    return by.has_perm(permission) and (by.is_superuser or not _is_staff(about))


def may_judge(by: User, about: User, permission: str) -> bool:
    """Return whether `may_touch` allows it; nobody judges themselves."""
    return by.pk != about.pk and may_touch(by, about, permission)


def may_set_keys(by: User, about: User) -> bool:
    """Return whether somebody may choose what opens an account, its password or its mail.

    Only superusers: whoever sets either can log in as that person and read their chats.
    """
    return by.is_superuser and may_touch(by, about, "accounts.change_user")


def need(is_allowed: bool) -> None:
    if not is_allowed:
        raise PermissionDenied(_("You may not do that to this user."))


def _is_staff(user: User) -> bool:
    return user.is_staff or user.is_superuser
