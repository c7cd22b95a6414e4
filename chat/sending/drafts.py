"""A message before it is written: what the sender asked for, with everything that can be
checked without the database checked."""

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
DIGEST_BYTES = 16
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    sender_id: int
    to: str  # the recipient's username, in any case or width
    text: str = field(repr=False)  # no log gets it by way of a callback's arguments
    client_id: UUID
    quote: int | None = None  # the id of the message that it answers

    @classmethod
    def parse(
        cls, sender_id: int, *, to: Any, text: Any, client_id: Any, quote: Any = None
    ) -> Draft:
        """Build a draft from what a client sent; raises ValidationError invalid or too_long."""
        if not isinstance(to, str) or not isinstance(text, str):
            raise ValidationError(_("A message needs a recipient and a text."), "invalid")
        quoted = None if quote is None else integer(quote, name="quote")
        return cls(sender_id, to, clean_message(text), parse_client_id(client_id), quoted)

    def digest(self, recipient_id: int) -> bytes:
        """Tells a retry from another message under its id; keyed, so that it is no oracle."""
        content = f"{recipient_id}\n{self.text}".encode()
        if self.quote is not None:
            content += f"\n\0{self.quote}".encode()  # no text holds a NUL
        return hmac.digest(settings.SECRET_KEY.encode(), content, "sha256")[:DIGEST_BYTES]


def clean_message(text: str) -> str:
    text = clean_text(
        text, most=TEXT_LENGTH, too_long=_("A message has at most %(limit)s characters.")
    )
    if not text:
        raise ValidationError(_("The message is empty."), "invalid")
    return text


def is_client_id(value: Any) -> bool:
    return isinstance(value, str) and UUID_FORM.fullmatch(value) is not None


def parse_client_id(value: Any) -> UUID:
    """A UUID in its usual form of 36 characters; any version."""
    if not is_client_id(value):
        raise ValidationError(_("“client_id” must be a UUID."), "invalid")
    return UUID(value)
