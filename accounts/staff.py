"""Whose account somebody may touch: the one rule, for the pages of the admin and the services."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from .models import User


def may_touch(by: User, about: User, permission: str) -> bool:
    """Whether the permission reaches that account: only superusers touch the staff."""
    return by.has_perm(permission) and (by.is_superuser or not _is_staff(about))


def may_judge(by: User, about: User, permission: str) -> bool:
    """Likewise, and nobody judges themselves."""
    return by.pk != about.pk and may_touch(by, about, permission)


def may_set_keys(by: User, about: User) -> bool:
    """Whether somebody may choose what opens an account, its password or its mail.

    Only superusers: who sets either can log in as that person and read their chats.
    """
    return by.is_superuser and may_touch(by, about, "accounts.change_user")


def need(is_allowed: bool) -> None:
    if not is_allowed:
        raise PermissionDenied(_("You may not do that to this user."))


def _is_staff(user: User) -> bool:
    return user.is_staff or user.is_superuser
