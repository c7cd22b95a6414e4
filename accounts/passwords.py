from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from webchat.base.text import normalize

# Characters, at most 4,096 bytes: more than any password manager makes, and cheap to hash.
PASSWORD_AT_MOST = 1024


def one_form(password: str) -> str:
    """Return the form in which a password is hashed and judged: NFKC.

    Keyboards send one and the same é as one character or as two, and letters in two widths. One
    that is too long stays as it is, since it is refused.
    """
    return password if len(password) > PASSWORD_AT_MOST else normalize("NFKC", password)


class MaximumLengthValidator:
    """A bound on every way to set a password, Django's own forms and commands included."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > PASSWORD_AT_MOST:
            message = _("A password has at most %(limit)d characters.")
            raise ValidationError(message, "too_long", {"limit": PASSWORD_AT_MOST})

    def get_help_text(self) -> str:
        message = _("A password has at most %(limit)d characters.")
        return message % {"limit": PASSWORD_AT_MOST}


class OneFormValidator:
    """A rule of Django's about the form that is hashed: ①②③④⑤⑥⑦⑧ is 12345678."""

    def __init__(self, rule: str) -> None:
        self._rule = import_string(f"django.contrib.auth.password_validation.{rule}")()

    def validate(self, password: str, user: Any = None) -> None:
        self._rule.validate(one_form(password), user)

    def get_help_text(self) -> str:
        return str(self._rule.get_help_text())
