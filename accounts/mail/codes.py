"""One-time codes: kept as an HMAC, bound to an account and a purpose, for all workers."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.models import OneTimeCode, User
from webchat.base.text import fold

DIGITS = 6
VALID_FOR = timedelta(minutes=10)
TRIES = 5
ANEW_AFTER = timedelta(seconds=60)
# For a code that an administrator reads to somebody: no letters that are mistaken for others.
SPOKEN = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
SPOKEN_LENGTH = 10
SPOKEN_VALID_FOR = timedelta(hours=24)
TYPED_AT_MOST = 32  # characters, with spaces and dashes; anything longer is not a code

MailState, Purpose = OneTimeCode.MailState, OneTimeCode.Purpose


def issue(*, user: User, purpose: OneTimeCode.Purpose, email: str) -> tuple[OneTimeCode, str]:
    """Make a code for a mail, in place of the one before; the digits are known only here.

    Raises ValidationError("rate_limited") within a minute of the last one, if that went to the same
    address: a mistyped one is put right at once.
    """
    digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    now = timezone.now()
    with transaction.atomic():
        before = OneTimeCode.objects.filter(user=user, purpose=purpose, email=email).first()
        if before is not None and (wait := seconds_to_wait(before)):
            message = _("Please wait %(retry_after)s seconds before you ask for another code.")
            raise ValidationError(message, "rate_limited", {"retry_after": wait})
        return _store(user, purpose, digits, email=email, expires_at=now + VALID_FOR), digits


def issue_spoken(*, user: User) -> str:
    """Make a code with which an administrator lets somebody choose a new password."""
    spoken = "".join(secrets.choice(SPOKEN) for _letter in range(SPOKEN_LENGTH))
    _store(user, Purpose.SPOKEN, spoken, expires_at=timezone.now() + SPOKEN_VALID_FOR)
    return f"{spoken[:5]}-{spoken[5:]}"


def redeem(
    *, user: User | None, purpose: OneTimeCode.Purpose, typed: str, is_own: bool = True
) -> OneTimeCode:
    """Use a code up.

    Raises ValidationError("invalid"), which costs one of its tries; not if somebody other than
    the owner may have typed it (no `is_own`): such tries must be limited elsewhere.
    """
    with transaction.atomic():
        code = OneTimeCode.objects.usable().filter(user=user, purpose=purpose).first()
        if code is not None:
            if is_own:
                OneTimeCode.objects.filter(pk=code.pk).update(tries_left=F("tries_left") - 1)
            if constant_time_compare(code.digest, _digest(code.user_id, purpose, typed)):
                OneTimeCode.objects.filter(pk=code.pk).delete()
                return code
    raise ValidationError(_("The code is wrong or no longer valid."), "invalid")


def is_spoken(typed: str) -> bool:
    """Return whether it looks like a spoken code: no number of guesses would find one."""
    return len(_plain(typed)) == SPOKEN_LENGTH


def seconds_to_wait(code: OneTimeCode) -> int:
    """Return the wait until another code may be sent: none if the mail did not go out."""
    age = timezone.now() - code.created_at
    # One from the future was made before the clock was set back.
    if code.mail_state == MailState.FAILED or not timedelta() <= age < ANEW_AFTER:
        return 0
    return max(1, round((ANEW_AFTER - age).total_seconds()))


def _store(user: User, purpose: str, secret: str, **fields: object) -> OneTimeCode:
    code, _is_new = OneTimeCode.objects.update_or_create(
        user=user,
        purpose=purpose,
        defaults={
            "digest": _digest(user.pk, purpose, secret),
            "created_at": timezone.now(),
            "tries_left": TRIES,
            "mail_state": "",
            "email": "",
        }
        | fields,
    )
    return code


def _digest(user_id: int, purpose: str, typed: str) -> str:
    key = f"accounts.code.{purpose}.{user_id}"
    return salted_hmac(key, _plain(typed), algorithm="sha256").hexdigest()


def _plain(typed: str) -> str:
    return (fold(typed, most=TYPED_AT_MOST) or "").upper().replace("-", "").replace(" ", "")
