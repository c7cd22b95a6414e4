"""The text frames and the close codes of the socket, as described in `docs/api.md`."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from chat.presentation import encode, in_utc
from webchat.base.text import encodable
from webchat.serving.frames import text_frame

SESSION_ENDED = 4401
TOO_SLOW = 4408
TOO_MANY = 4429
RESTART = 1012
BROKEN = 1011  # a fault of ours (RFC 6455, 7.4.1): come back

PONG = encode({"type": "pong"})
CAUGHT_UP = encode({"type": "caught_up"})
RESET = encode({"type": "reset"})


def packed(text: str) -> bytes:
    """Make the bytes of a frame; what cannot be encoded goes out without it."""
    try:
        return text_frame(text)
    except UnicodeEncodeError:
        return text_frame(encodable(text))


def hello(username: str, last_event: int, spread: float = 0.0) -> str:
    now = in_utc(timezone.now())
    frame = {"type": "hello", "username": username, "last_event": last_event, "now": now}
    return encode(frame | {"spread": spread} if spread else frame)


def typing(username: str) -> str:
    return encode({"type": "typing", "from": username})


def event(body: dict[str, Any]) -> str:
    return encode({"type": "event"} | body)


def ack(client_id: str, message: str) -> str:
    return f'{{"type":"ack","client_id":"{client_id}","message":{message}}}'


def message_event(event_id: int, message: str) -> str:
    return f'{{"type":"event","id":{event_id},"kind":"message","message":{message}}}'


def read_event(event_id: int, with_: str, last_read: int, unread: int) -> str:
    facts = {"with": with_, "last_read": last_read, "unread": unread}
    return event({"id": event_id, "kind": "read"} | facts)


def error(
    code: str, message: str, client_id: str | None = None, retry_after: int | None = None
) -> str:
    frame: dict[str, Any] = {
        "type": "error",
        "client_id": client_id,
        "code": code,
        "message": message,
    }
    if retry_after is not None:
        frame["retry_after"] = retry_after
    return encode(frame)
