from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from webchat.middleware import client_address

from . import limits
from .models import User
from .passwords import PASSWORD_AT_MOST, one_form

BANNED = _("This account is banned. If you have questions, please ask the administrator.")


class NameOrMailBackend(ModelBackend):
    """Log-in by name, verified address or old name; wrong guesses are limited, right ones less so.

    Every form that logs in comes through here, the admin's as well. It raises ValidationError,
    which the form shows: rate_limited past the limit, and banned, for whoever knows the password
    of a banned account; nobody else learns of that.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        if username is None or password is None:
            return None
        address = client_address(request) if request else ""
        guess = limits.guess_login(typed=username, address=address)
        if len(password) > PASSWORD_AT_MOST:
            return None
        user = _prove(username, password)
        if user is not None:
            guess.exchange(*limits.LOGGED_IN.at(address, user.pk))
            if not user.is_active:
                raise ValidationError(BANNED, "banned")
        return user

    def get_user(self, user_id: Any) -> Any:
        """Return the user of a session; None for one whose mail address is not proved yet."""
        user = super().get_user(user_id)
        return None if user is None or user.unverified_since is not None else user


def _prove(typed: str, password: str) -> User | None:
    """Return the one of that name or mail whose password it is, also if they are banned.

    Nobody's takes as many looks as a wrong one: the time must not tell which names have accounts.
    """
    user = User.objects.known_as(typed)
    if user is not None:
        return user if user.check_password(password) else None
    User().set_password(password)
    if one_form(password) != password:
        make_password(password)
    return None
