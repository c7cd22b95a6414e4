from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from .models import User


class NameOrMailBackend(ModelBackend):
    """Log in by name, or by the verified address of the account."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        if username and "@" in username:
            user = User.objects.known_as(username)
            username = user.username if user else username
        return super().authenticate(request, username, password, **kwargs)
