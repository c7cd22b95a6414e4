"""A message before it is written: the input, checked as far as possible without the database."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from webchat.base.numbers import integer
from webchat.base.text import clean_text

TEXT_LENGTH = 4000
TOO_LONG = _("A message has at most %(limit)s characters.")
DIGEST_BYTES = 16
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    sender_id: int
    to: str  # the recipient's username, in any case or width
    text: str = field(repr=False)  # kept out of logs that print a callback's arguments
    client_id: UUID
    quote: int | None = None  # the id of the quoted message

    @classmethod
    def parse(
        cls, sender_id: int, *, to: Any, text: Any, client_id: Any, quote: Any = None
    ) -> Draft:
        """Make a draft from a client's input; raises ValidationError invalid or too_long."""
        if not isinstance(to, str) or not isinstance(text, str):
            raise ValidationError(_("A message needs a recipient and a text."), "invalid")
        quoted = None if quote is None else integer(quote, name="quote")
        return cls(sender_id, to, clean_message(text), parse_client_id(client_id), quoted)

    def digest(self, recipient_id: int) -> bytes:
        """Tell a retry from another message with the same id; keyed, so that it is no oracle."""
        content = f"{recipient_id}\n{self.text}".encode()
        if self.quote is not None:
            content += f"\n\0{self.quote}".encode()  # no text contains a NUL
        return hmac.digest(settings.SECRET_KEY.encode(), content, "sha256")[:DIGEST_BYTES]


def clean_message(text: str) -> str:
    text = clean_text(text, most=TEXT_LENGTH, too_long=TOO_LONG)
    if not text:
        raise ValidationError(_("The message is empty."), "invalid")
    return text


def is_client_id(value: Any) -> bool:
    return isinstance(value, str) and UUID_FORM.fullmatch(value) is not None


def parse_client_id(value: Any) -> UUID:
    """Parse a UUID in its usual form of 36 characters; any version."""
    if not is_client_id(value):
        raise ValidationError(_("“client_id” must be a UUID."), "invalid")
    return UUID(value)
