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
CONTENTS = ("text", "quote", "upload", "forward")  # the fields of a send, but for its id
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text, an upload or a message to forward; of the three, only one is given."""

    sender_id: int
    to: str  # the recipient's username, in any case or width
    text: str = field(repr=False)  # kept out of logs that print a callback's arguments
    client_id: UUID
    quote: int | None = None  # the id of the quoted message
    upload: UUID | None = None  # the id that its sender gave it
    forward: int | None = None  # the id of a message

    @classmethod
    def parse(
        cls,
        sender_id: int,
        *,
        to: Any,
        client_id: Any,
        text: Any = None,
        quote: Any = None,
        upload: Any = None,
        forward: Any = None,
    ) -> Draft:
        """Make a draft from a client's input; raises ValidationError invalid or too_long."""
        if not isinstance(to, str) or not isinstance(text, str | None):
            raise ValidationError(_("A message needs a recipient and a text."), "invalid")
        if text is None or upload is not None or forward is not None:
            _refuse_but_one(text, upload, forward)
        return cls(
            sender_id,
            to,
            text="" if text is None else clean_message(text),
            client_id=parse_client_id(client_id),
            quote=None if quote is None else integer(quote, name="quote"),
            upload=None if upload is None else parse_client_id(upload, name="upload"),
            forward=None if forward is None else integer(forward, name="forward"),
        )

    @property
    def upload_key(self) -> tuple[int, UUID] | None:
        return None if self.upload is None else (self.sender_id, self.upload)

    def digest(self, recipient_id: int) -> bytes:
        """Tell a retry from another message with the same id; keyed, so that it is no oracle."""
        content = f"{recipient_id}\n{self.text}"
        # No text contains a NUL.
        if self.upload is not None:
            content += f"\n\0upload {self.upload}"
        if self.forward is not None:
            content += f"\n\0forward {self.forward}"
        if self.quote is not None:
            content += f"\n\0{self.quote}"
        key = settings.SECRET_KEY.encode()
        return hmac.digest(key, content.encode(), "sha256")[:DIGEST_BYTES]


def _refuse_but_one(*contents: Any) -> None:
    given = sum(each is not None for each in contents)
    if not given:
        raise ValidationError(_("A message needs a recipient and a text."), "invalid")
    if given > 1:
        message = _("A message is a text, a file or a forwarded message: only one of them.")
        raise ValidationError(message, "invalid")


def clean_message(text: str) -> str:
    text = clean_text(text, most=TEXT_LENGTH, too_long=TOO_LONG)
    if not text:
        raise ValidationError(_("The message is empty."), "invalid")
    return text


def is_client_id(value: Any) -> bool:
    return isinstance(value, str) and UUID_FORM.fullmatch(value) is not None


def parse_client_id(value: Any, *, name: str = "client_id") -> UUID:
    """Parse a UUID in its usual form of 36 characters; any version."""
    if not is_client_id(value):
        raise ValidationError(_("“%(name)s” must be a UUID."), "invalid", {"name": name})
    return UUID(value)
