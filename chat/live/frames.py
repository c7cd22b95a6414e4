"""The text frames of the socket, as `docs/api.md` has them."""

from __future__ import annotations

import json
from typing import Any

from chat.presentation import MessageView

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(frame: dict[str, Any]) -> str:
    return _encoder.encode(frame)


PONG = encode({"type": "pong"})
CAUGHT_UP = encode({"type": "caught_up"})
RESET = encode({"type": "reset"})


def hello(username: str, last_event: int) -> str:
    return encode({"type": "hello", "username": username, "last_event": last_event})


def event(body: dict[str, Any]) -> str:
    return encode({"type": "event"} | body)


def message_body(view: MessageView) -> str:
    """M, encoded once for the two frames that may carry it."""
    return encode(view.as_json())


def ack(client_id: str, body: str) -> str:
    return f'{{"type":"ack","client_id":"{client_id}","message":{body}}}'


def message_event(event_id: int, body: str) -> str:
    return f'{{"type":"event","id":{event_id},"kind":"message","message":{body}}}'


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
