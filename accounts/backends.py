from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import AllowAllUsersModelBackend, ModelBackend
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from webchat.middleware import client_address

from . import limits
from .models import User
from .passwords import PASSWORD_AT_MOST, one_form

BANNED = _("This account is banned. If you have questions, please ask the administrator.")
_proving = AllowAllUsersModelBackend()  # checks the passwords of banned people, too


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
        name = self._name_of(username)
        user = _proving.authenticate(request, name, password, **kwargs)
        if user is None and one_form(password) != password and not User.objects.named(name):
            # As many looks as at a wrong one: the time must not tell which addresses have accounts.
            make_password(password)
        if user is not None:
            guess.give_back()
            limits.take(*limits.LOGGED_IN.at(address, user.pk))
            if not user.is_active:
                raise ValidationError(BANNED, "banned")
        return user

    def get_user(self, user_id: Any) -> Any:
        """Return the user of a session; None for one whose mail address is not proved yet."""
        user = super().get_user(user_id)
        return None if user is None or user.unverified_since is not None else user

    def _name_of(self, typed: str) -> str:
        user = User.objects.known_as(typed)
        return user.username if user else typed
