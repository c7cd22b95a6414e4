"""The names that senders give to files, as others may see and save them."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from webchat.base.text import LONE_SURROGATE, mend_text

TYPED_AT_MOST = 4096  # characters, before anything is done with them
NAME_LENGTH = 255  # characters
NAME_BYTES = 255  # what file systems take
# They turn a name around, so that it seems to end otherwise than it does.
BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean_name(value: Any) -> str:
    """Return the name of a file without its path; raises ValidationError, invalid or too_long."""
    if not isinstance(value, str) or LONE_SURROGATE.search(value):
        raise ValidationError(_("“%(name)s” must be a text."), "invalid", {"name": "name"})
    if len(value) > TYPED_AT_MOST:
        message = _("Please write at most %(limit)d characters.")
        raise ValidationError(message, "too_long", {"limit": NAME_LENGTH})
    name = re.split(r"[/\\]", value)[-1]
    name, _removed = mend_text(re.sub(r"\s+", " ", BIDI_CONTROLS.sub("", name)))
    return "file" if name in ("", ".", "..") else _shortened(name)


def _shortened(name: str) -> str:
    """Shorten a name to what a file system takes; its extension stays."""
    stem, dot, extension = name.rpartition(".")
    end = dot + extension
    if not dot or len(end.encode()) > NAME_BYTES // 4:
        stem, end = name, ""
    room = NAME_BYTES - len(end.encode())
    return stem.encode()[:room].decode(errors="ignore").strip() + end
