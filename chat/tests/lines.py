"""A socket and its wire without a server: a transport that keeps what is written."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from chat.live import socket as live
from chat.live.hub import Hub
from chat.live.outbox import Outbox
from chat.live.returning import Returning
from chat.live.visitors import Visitor
from webchat.serving.wire import Wire
from webchat.tests.wires import Transport


class Engine:
    def __init__(self) -> None:
        self.hub = Hub()
        self.outbox = Outbox()
        self.returning = Returning(self.hub)

    def admit(self, socket: live.Socket) -> None:
        self.hub.add(socket)


class Line(Transport):
    """A transport that fails with a given error, for a wire."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error

    def write(self, data: bytes) -> None:
        if self.error is not None and data[0] == 0x81:
            raise self.error
        super().write(data)


def visitor() -> Visitor:
    return Visitor(User(pk=1, username="alice"), "key", "data", "en")


class Current(live.Socket):
    """A socket that has missed nothing, and asks no database about it."""

    __slots__ = ()

    async def _replay(self, after: str | None) -> None:
        pass


def connect(
    line: Transport, engine: Any = None, kind: type[live.Socket] = Current
) -> tuple[live.Socket, Wire]:
    wire = Wire(line, 32 * 1024)
    return kind(engine or Engine(), visitor(), wire), wire
