from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Characters, at most 4,096 bytes: more than any password manager makes, and cheap to hash.
PASSWORD_AT_MOST = 1024


class MaximumLengthValidator:
    """A bound on every way to set a password, Django's own forms and commands included."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > PASSWORD_AT_MOST:
            message = _("A password has at most %(limit)d characters.")
            raise ValidationError(message, "too_long", {"limit": PASSWORD_AT_MOST})

    def get_help_text(self) -> str:
        message = _("A password has at most %(limit)d characters.")
        return message % {"limit": PASSWORD_AT_MOST}
