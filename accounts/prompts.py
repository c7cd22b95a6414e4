"""Passwords that somebody types at a terminal, or pipes into a command."""

from __future__ import annotations

import getpass
import sys
import warnings
from collections.abc import Callable

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.passwords import PASSWORD_AT_MOST
from webchat.base.text import LONE_SURROGATE

TRIES = 3


def typed_twice(user: User, say: Callable[[str], object]) -> str:
    """Let a new password be typed twice, and again after what is wrong with it has been said.

    Raises CommandError after three tries, or where there is no terminal.
    """
    for _try in range(TRIES):
        first = _type(_("New password: "))
        try:
            password = _checked(first, user)
        except ValidationError as error:
            say("\n".join(error.messages))
            continue
        if _type(_("Once more: ")) == first:
            return password
        say(_("The two differ."))
    raise CommandError(_("Nothing was changed."))


def piped(user: User) -> str:
    """Return the first line of the standard input.

    Raises ValidationError for a password that the rules refuse, CommandError without a line.
    """
    if sys.stdin is None:  # closed before we began
        raise CommandError(_nobody())
    try:
        # A longer one is refused by the rules, whatever follows it.
        line = sys.stdin.readline(PASSWORD_AT_MOST + 2)
    except UnicodeDecodeError:
        raise CommandError(_("The password is not in UTF-8.")) from None
    return _checked(line.rstrip("\r\n"), user)


def _checked(password: str, user: User) -> str:
    """Return the password if the rules of today allow it; raises ValidationError."""
    if LONE_SURROGATE.search(password):
        raise ValidationError(_("The text contains a character that is not allowed."), "invalid")
    validate_password(password, user)
    return password


def _type(prompt: str) -> str:
    """Read a password from the terminal without showing it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt)
    except (EOFError, getpass.GetPassWarning):
        raise CommandError(_nobody()) from None


def _nobody() -> str:
    return _("Nobody has typed a password. Without a terminal: --stdin or --random.")
