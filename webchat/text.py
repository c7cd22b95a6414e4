"""The one gate that text written by people passes, whatever way it came in."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

ALLOWED_CONTROLS = "\n\t"


def clean_text(text: str) -> str:
    """Return `text` in NFC, trimmed, with `\\n` line ends; refuse what cannot be shown or stored.

    Raises ValidationError("invalid") for lone surrogates, which SQLite cannot store, and for
    control characters other than newline and tab.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isprintable() and not all(map(is_storable, text)):
        raise ValidationError(_("The text contains a character that is not allowed."), "invalid")
    return unicodedata.normalize("NFC", text).strip()


def is_storable(character: str) -> bool:
    if character in ALLOWED_CONTROLS:
        return True
    return unicodedata.category(character) not in ("Cc", "Cs")


class PlainTextField(forms.CharField):
    """A form field whose value has passed `clean_text`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, strip=False)

    def to_python(self, value: Any) -> str:
        return clean_text(super().to_python(value) or "")
