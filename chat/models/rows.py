"""Messages and chats as they are shown: a tuple takes a tenth of the time of an instance."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F

from webchat.database.questions import OneRow, UuidText

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")  # shown inline by pages


class File(NamedTuple):
    """The attachment of a message, without its place in the folder."""

    message_id: int
    name: str
    mimetype: str
    kind: str
    size: int | None
    width: int | None
    height: int | None
    duration: float | None
    preview: str


class MessageRow(NamedTuple):
    """The columns of a message that are shown, under the names that its instance has for them."""

    pk: int
    sender_id: int
    text: str
    client_id: str
    sent_at: datetime
    quote: int | None
    recalled_at: datetime | None
    removed_at: datetime | None
    file: list[Any] | None  # the fields of `File` from its name on

    @property
    def attachment(self) -> File | None:
        return None if self.file is None else File(self.pk, *self.file)

    @property
    def state(self) -> str:
        if self.removed_at:
            return "removed"
        return "recalled" if self.recalled_at else "sent"


# One column for all of it, as most messages have none.
_FILE = OneRow(*(F(f"attachment__{name}") for name in File._fields[1:]))
OTHERS: dict[str, OneRow | UuidText] = {"client_id": UuidText(F("client_id")), "file": _FILE}
COLUMNS = tuple(OTHERS.get(name, name) for name in MessageRow._fields)


def is_hidden(chat: Any) -> bool:
    """Return whether a chat that was hidden up to a message is so until the next one."""
    return chat.hidden_through != 0 and chat.last_message_id is None


def state_of(chat: Any) -> dict[str, Any]:
    """Return the state of a person's chat, of an instance or a row, but for its last message."""
    return {
        "unread": chat.unread,
        "last_read": chat.last_read,
        "pinned": chat.pinned,
        "muted": chat.muted,
        "marked_unread": chat.marked_unread,
        "hidden": is_hidden(chat),
    }


class MembershipRow(NamedTuple):
    """A person's chat with its state, as `Membership` has it `with_state`."""

    low_id: int
    high_id: int
    last_read: int
    pinned: bool
    muted: bool
    marked_unread: bool
    hidden_through: int
    unread: int
    last_message_id: int | None

    def other_id(self, user_id: int) -> int:
        return self.high_id if self.low_id == user_id else self.low_id

    @property
    def state(self) -> dict[str, Any]:
        return state_of(self)


CHAT_COLUMNS = ("conversation__low", "conversation__high", *MembershipRow._fields[2:])
