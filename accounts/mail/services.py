"""Services by mail: verifying an address, changing it, and resetting a forgotten password."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.urls import get_script_prefix, reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import limits, services
from accounts.models import OneTimeCode, User

from . import codes, sending
from .codes import Purpose
from .sending import Sending

EMAIL_IN_USE = _("This email address is already in use.")


class Issued(NamedTuple):
    """A code for a mail, its digits, and what it counts, unless the mail cannot be sent."""

    code: OneTimeCode
    digits: str
    taken: limits.Taken


def is_on() -> bool:
    return bool(settings.MAIL_MODE != "off")


def register(
    *, username: str, password: str, email: str, address: str = "", browser: str = ""
) -> tuple[User, Sending]:
    """Make an account that waits for the code in its mail. Raises as `accounts.services.register`.

    If the address is taken, its owner learns of it by mail; the page does not mention it.
    """
    taken = limits.take(limits.code_to(email))
    user = services.register(
        username=username,
        password=password,
        address=address,
        browser=browser,
        is_verified=False,
    )
    code, digits = codes.issue(user=user, purpose=Purpose.REGISTRATION, email=email.casefold())
    return user, _send_registration_code(user, email, Issued(code, digits, taken))


def send_registration_code(*, user: User, email: str, address: str = "") -> Sending:
    """Send another, to the same address or a corrected one.

    Raises ValidationError("rate_limited"), also within a minute of the last to that address.
    """
    issued = _issue(user, Purpose.REGISTRATION, email, address)
    return _send_registration_code(user, email, issued)


def address_of(user: User) -> str:
    """Return the address of an account, or the one that it waits to prove; case folded."""
    if user.unverified_since is None:
        return user.email
    code = user.codes.filter(purpose=Purpose.REGISTRATION).first()
    return code.email if code else ""


def _send_registration_code(user: User, email: str, issued: Issued) -> Sending:
    code, digits, taken = issued
    owner = User.objects.filter(email=code.email).first()
    if owner is not None:
        return _send_taken(owner, email, issued)
    link = _link("accounts:verify", name=user.username, code=digits)
    context = {"user": user, "digits": digits, "link": link}
    return sending.send("registration", to=email, code=code, taken=taken, **context)


def _send_taken(owner: User, email: str, issued: Issued) -> Sending:
    code, _digits, taken = issued
    link = _link("accounts:password_forgotten")
    return sending.send("taken", to=email, code=code, taken=taken, user=owner, link=link)


def verify_registration(*, user: User, typed: str, is_own: bool = True, address: str = "") -> None:
    """Let somebody in who has the code from their mail.

    `is_own`: it is typed in the session that asked for it. Only then does a wrong one cost one of
    the code's tries. Raises ValidationError: invalid, also when another account proved the address
    first, and rate_limited.
    """
    guess = limits.guess_code(user_id=user.pk, is_own=is_own, address=address)
    code = codes.redeem(user=user, purpose=Purpose.REGISTRATION, typed=typed, is_own=is_own)
    guess.give_back()
    _prove(code.user, code.email)


def request_reset(name_or_mail: str, *, address: str = "") -> None:
    """Send a reset code to the account of that name, if any; return nothing, and at once.

    Raises ValidationError("rate_limited") by the visitor's address, never by the name typed.
    """
    limits.take(*limits.CODE_BY_ADDRESS.at(address))
    sending.in_background(_send_reset, name_or_mail, translation.get_language())


def _send_reset(name_or_mail: str, language: str | None) -> None:
    user = User.objects.known_as(name_or_mail)
    if user is None or not user.email or not user.is_active or user.unverified_since:
        return
    with translation.override(language):
        try:
            send_reset_code(user=user)
        except ValidationError:
            return  # the owner has enough of them, and the visitor learns nothing


def send_reset_code(*, user: User) -> None:
    """Send a code for a new password to the verified address of an account, and nowhere else.

    Raises ValidationError("rate_limited"), also within a minute of the last.
    """
    with transaction.atomic():
        taken = limits.take_code(user.pk, limits.RESET_CODE.of(user.pk))
        code, digits = codes.issue(user=user, purpose=Purpose.RESET, email=user.email)
        token = default_token_generator.make_token(user)
        link = _link("accounts:password_reset", name=user.username, token=token)
        context = {"user": user, "digits": digits, "link": link}
        sending.send("reset", to=user.email, code=code, taken=taken, **context)


def reset_password(
    *, name_or_mail: str, typed: str, token: str, password: str, address: str = ""
) -> None:
    """Set a new password for somebody with a code, or with the token of the mail's link.

    Raises ValidationError: invalid, rate_limited. All sessions of the account end; its owner is
    told.
    """
    guess = limits.guess_reset(typed=name_or_mail, address=address)
    user = User.objects.known_as(name_or_mail)
    is_proven = bool(token and user and default_token_generator.check_token(user, token))
    if token and not is_proven:
        raise ValidationError(
            _("The link is used up or too old. Please ask for a code."), "invalid"
        )
    if not is_proven:
        user = _redeem_reset(user, typed)
    if user is None:
        raise ValidationError(_("The code is wrong or no longer valid."), "invalid")
    guess.give_back()
    try:
        services.set_password(user=user, password=password)
    except Http404:
        raise ValidationError(_("The code is wrong or no longer valid."), "invalid") from None
    if user.email:
        sending.send("password_changed", to=user.email, user=user)


def _redeem_reset(user: User | None, typed: str) -> User:
    """Redeem a code. A spoken one has no tries for strangers to use up: limits hold instead."""
    if codes.is_spoken(typed):
        code = codes.redeem(user=user, purpose=Purpose.SPOKEN, typed=typed, is_own=False)
    else:
        code = codes.redeem(user=user, purpose=Purpose.RESET, typed=typed)
    return code.user


def start_email_change(*, user: User, email: str, address: str = "") -> Sending:
    """Send a code to the new address. Raises ValidationError("rate_limited")."""
    issued = _issue(user, Purpose.EMAIL, email, address)
    code, digits, taken = issued
    owner = User.objects.filter(email=code.email).exclude(pk=user.pk).first()
    if owner is not None:
        return _send_taken(owner, email, issued)
    return sending.send("email", to=email, code=code, taken=taken, user=user, digits=digits)


def finish_email_change(*, user: User, typed: str) -> None:
    """Change the address. Raises ValidationError: invalid, also if another account has it."""
    before = user.email
    code = codes.redeem(user=user, purpose=Purpose.EMAIL, typed=typed)
    _prove(user, code.email)
    services.void_codes(user)  # one for a new password may have gone to the old address
    if before and before != user.email:
        sending.send("email_changed", to=before, user=user)


def waiting_code(user: User, purpose: OneTimeCode.Purpose) -> OneTimeCode | None:
    """Return the code that a page waits for; it tells how its mail went."""
    return OneTimeCode.objects.usable().filter(user=user, purpose=purpose).first()


def _issue(user: User, purpose: OneTimeCode.Purpose, email: str, address: str) -> Issued:
    with transaction.atomic():
        claims = [limits.code_to(email), *limits.CODE_BY_ADDRESS.at(address)]
        taken = limits.take_code(user.pk, *claims)
        return Issued(*codes.issue(user=user, purpose=purpose, email=email.casefold()), taken)


def _prove(user: User, email: str) -> None:
    try:
        with transaction.atomic():
            user.email, user.unverified_since = email, None
            user.save(update_fields=["email", "unverified_since"])
    except IntegrityError:
        raise ValidationError(EMAIL_IN_USE, "invalid") from None


def _link(view: str, **query: str) -> str:
    """Return a link, or "" unless the administrator set SITE_URL: a Host header proves nothing."""
    if settings.SITE is None:
        return ""
    path = reverse(view, query=query).removeprefix(get_script_prefix())
    return settings.SITE.url + path
