"""The changes that an administrator of a class makes, each with an entry in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from django.db import transaction

from accounts import limits, roster, services, sessions, staff
from accounts.models import User
from accounts.roster import Newcomer
from chat import audit
from chat.faces import services as faces
from chat.models import AuditEntry
from chat.moderation import rights
from webchat.base.holding import holding

Act = AuditEntry.Act


def may_confirm(by: User, about: User) -> bool:
    return staff.may_judge(by, about, "chat.moderate_user")


def may_refuse(by: User, about: User) -> bool:
    return staff.may_judge(by, about, "accounts.delete_user")


def may_sign_out(by: User, about: User) -> bool:
    return staff.may_judge(by, about, "chat.moderate_user")


def confirm(*, by: User, about: User) -> bool:
    """Let a newcomer in, whose address stays unproved; False if that is not needed any more.

    Raises Http404 when the account is gone.
    """
    with holding(about):
        staff.need(may_confirm(by, about))
        if about.unverified_since is None:
            return False
        services.let_in(user=about)
        audit.write(Act.CONFIRMED, by=by, about_number=about.pk)
        return True


def refuse(*, by: User, about: User) -> bool:
    """Delete the account of a newcomer; False, and nothing, for one who has come in meanwhile."""
    with holding(about):
        staff.need(may_refuse(by, about))
        if about.unverified_since is None:
            return False
        audit.write(Act.DELETED, by=by, about_number=about.pk)
        services.delete_account(user=about)
        return True


def give_face(*, by: User, about: User, content: bytes) -> None:
    """Give somebody a profile picture; raises as `chat.faces.services.give` does."""
    staff.need(rights.may_enrol(by))
    note = partial(audit.write, Act.EDITED, by=by, about_number=about.pk)
    faces.give(user=about, content=content, note=note)


def sign_out_device(*, by: User, about: User, public_id: str) -> bool:
    """End one session of somebody; False if it has ended, or was never theirs."""
    with holding(about):
        staff.need(may_sign_out(by, about))
        has_ended = sessions.end(user=about, public_id=public_id)
        if has_ended:
            audit.write(Act.SIGNED_OUT_ONE, by=by, about_number=about.pk)
        return has_ended


def enrol(
    *,
    by: User,
    people: Sequence[Newcomer],
    hashes: Mapping[str, str],
    trust_mail: bool,
    claim: limits.Claim,
) -> None:
    """Make all the accounts of a list, or none; the claim says which list, and is good once.

    Raises ValidationError: rate_limited for a list that is enrolled already, name_taken.
    """
    staff.need(rights.may_enrol(by))
    with transaction.atomic():
        limits.take(claim)
        for user in roster.make_accounts(people=people, hashes=hashes, trust_mail=trust_mail):
            audit.write(Act.ADDED, by=by, about_number=user.pk)
