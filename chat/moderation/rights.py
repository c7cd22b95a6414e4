"""The rights of the staff: which pages they open, and in words where they were changed."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.models import AuditEntry

Act = AuditEntry.Act
WORDS = {
    Act.SUPERUSER: _("“%(name)s” is a superuser now."),
    Act.MODERATOR: _("“%(name)s” is a moderator now."),
    Act.STAFF: _("“%(name)s” may enter the admin now, but decide no reports."),
    Act.NO_STAFF: _("“%(name)s” is not a member of the staff any more."),
    Act.RIGHTS: _("The rights of %(name)s are changed."),
}

WITHOUT_STAFF = _(
    "The rights of %(name)s are changed, but have no effect: only members of the staff enter the"
    " admin."
)


def may_let_in(by: User) -> bool:
    """Whether somebody may open the page of the newcomers, which shows and judges users."""
    return by.has_perm("chat.moderate_user") and by.has_perm("accounts.view_user")


def may_issue_codes(by: User) -> bool:
    return by.has_perm("chat.issue_code")


def may_enrol(by: User) -> bool:
    """Whether somebody may make accounts with passwords: these open the accounts."""
    return by.is_superuser


class Rights(NamedTuple):
    """All that somebody may do in the admin; the role is the act that would lead there."""

    role: AuditEntry.Act
    groups: frozenset[int]
    permissions: frozenset[int]


def rights_of(pk: int) -> Rights:
    """Return the rights as the database has them."""
    user = User.objects.get(pk=pk)
    user.is_active = True  # a ban takes none of them away
    return Rights(
        _role_of(user),
        frozenset(user.groups.values_list("pk", flat=True)),
        frozenset(user.user_permissions.values_list("pk", flat=True)),
    )


def _role_of(user: User) -> AuditEntry.Act:
    if user.is_superuser:
        return Act.SUPERUSER
    if not user.is_staff:
        return Act.NO_STAFF
    return Act.MODERATOR if user.has_perm("chat.decide_report") else Act.STAFF


def change(before: Rights, after: Rights) -> AuditEntry.Act | None:
    """Return the act that made these rights of those, if they differ.

    Whoever was more before is not let into the admin by it.
    """
    if before == after:
        return None
    is_less = after.role == Act.STAFF and before.role in (Act.SUPERUSER, Act.MODERATOR)
    return Act.RIGHTS if is_less or before.role == after.role else after.role


def words_of(act: AuditEntry.Act, after: Rights) -> str:
    """Return the sentence about a change, with a place for the name."""
    is_idle = after.role == Act.NO_STAFF and bool(after.groups or after.permissions)
    return str(WITHOUT_STAFF if act == Act.RIGHTS and is_idle else WORDS[act])
