"""The watch over the connections of one worker, closing those that are idle or too slow."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from ..base.addresses import network
from ..middleware import proxied_address
from .bridge import Scope
from .connections import Connection, Connections
from .pace import Pace, Pulse, Reception, reception

LOOK_SECONDS = 0.2
LOOKS = 5  # at whether the worker stops, for one at every connection
# At a stop a connection is closed when it has been quiet for this long; a request that arrives
# before is still answered, and the answer says that the connection ends with it.
QUIET_SECONDS = 0.5
# For the first request of a connection; gunicorn has no limit of its own for that, and
# browsers open connections ahead of need.
FIRST_REQUEST_SECONDS = 60
# From the first byte of a request to the end of its headers: 8 KB of cookies take 2 s at 5 KB/s.
HEADER_SECONDS = 20
SHORT_PAUSE_SECONDS = 0.02  # first, then longer, between two looks at whether all was taken

RESET = struct.pack("ii", 1, 0)  # struct linger: close at once, whatever waits


def _plain(status: str, text: str = "", *headers: str) -> bytes:
    """Make an answer for somebody who has not asked anything yet."""
    body = text.encode()
    head = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "Content-Type: text/plain; charset=utf-8", "", ""]).encode() + body


BUSY = "服务器正忙，请稍后再试。\nThe server is busy. Please try again in a moment.\n"
FULL = _plain("503 Service Unavailable", BUSY, "Retry-After: 5")
TOO_SLOW = _plain("408 Request Timeout")
TOO_LARGE = _plain("431 Request Header Fields Too Large")


class Line(Protocol):
    """A connection, as the server gives access to it."""

    transport: Any
    asked_at: float | None  # when the first byte of a request came

    @property
    def is_idle(self) -> bool: ...

    @property
    def requests(self) -> int: ...

    def refuse(self, answer: bytes) -> None: ...

    def close(self) -> None: ...


class Client(Connection):
    """One connection of a client, and how it behaves."""

    def __init__(self, protocol: Line, all_of_them: Connections) -> None:
        peer = protocol.transport.get_extra_info("peername")
        self._peer: str = peer[0] if isinstance(peer, tuple) else ""
        super().__init__(all_of_them, self._peer)
        self._protocol = protocol
        self._pace: Pace | None = None
        self._long_answers = 0  # the next may begin before the last byte of one was taken
        self._user_timeout = 0  # milliseconds, while there are none
        self._pulse = Pulse()

    @property
    def is_idle(self) -> bool:
        return self._protocol.is_idle and not self._long_answers

    @property
    def has_gone(self) -> bool:
        return bool(self._protocol.transport.is_closing())

    @property
    def requests(self) -> int:
        return self._protocol.requests

    def drop(self) -> None:
        # Otherwise the kernel would go on holding what was not taken yet.
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._protocol.close()
        self._protocol.transport.abort()

    def close_if_idle(self) -> None:
        if self.is_idle:
            self._protocol.close()

    def go_on(self, protocol: Line) -> None:
        """Note that the connection has another protocol from now on."""
        self._protocol = protocol

    def begin_request(self, scope: Scope) -> None:
        scope["webchat.connection"] = self
        self.quiet_since = self._connections.clock()
        address = proxied_address(self._peer, scope["headers"])
        if address is not None:
            self.belongs_to(network(address))  # a proxy's next request is anybody's

    def begin_long_answer(self, *, is_kept: bool) -> None:
        """Watch the reader from here: to the kernel, one who pauses is one who is gone."""
        super().begin_long_answer(is_kept=is_kept)
        self._long_answers += 1
        if self._long_answers == 1:
            self._pulse = Pulse()
            self._user_timeout = self._swap_user_timeout(0)

    async def end_long_answer(self) -> None:
        pause = SHORT_PAUSE_SECONDS
        while not self._protocol.transport.is_closing() and not self._is_taken():
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1)
        self._long_answers -= 1
        if not self._long_answers:
            await super().end_long_answer()
            self._swap_user_timeout(self._user_timeout)

    def taken(self) -> int | None:
        found = reception(self._socket)
        return None if found is None else found.acknowledged

    def _is_taken(self) -> bool:
        found = reception(self._socket)
        is_written = not self._protocol.transport.get_write_buffer_size()
        return is_written and (found is None or found.is_taken)

    @property
    def _socket(self) -> Any:
        return self._protocol.transport.get_extra_info("socket")

    def _swap_user_timeout(self, milliseconds: int) -> int:
        option = socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT
        with suppress(OSError):  # closed, or a unix socket
            before: int = self._socket.getsockopt(*option)
            self._socket.setsockopt(*option, milliseconds)
            return before
        return 0

    def look(self, now: float) -> None:
        """Close it if it takes too long to ask, or to take what it is sent."""
        if self.is_idle:
            self._look_at_request(now)
        if not self._long_answers and not self._protocol.transport.get_write_buffer_size():
            self._pace = None
        elif self._long_answers or self.is_anonymous:
            found = reception(self._socket)
            if found is not None and not self._is_patient(now, found):
                self.drop()

    def _look_at_request(self, now: float) -> None:
        asked_at = self._protocol.asked_at
        if asked_at is not None and now - asked_at > HEADER_SECONDS:
            self._protocol.refuse(TOO_SLOW)
        elif self.requests <= 1 and now - self.quiet_since > FIRST_REQUEST_SECONDS:
            self._protocol.close()

    def _is_patient(self, now: float, found: Reception) -> bool:
        if not self.is_anonymous:
            return self._pulse.is_there(now, found)
        if self._pace is None:
            self._pace = Pace(now, found)
        return self._pace.is_kept(now, found)


class Clients:
    """The clients of one worker, let in while there is room, closed when idle or too slow.

    At a stop, as `is_serving` tells, `end_sockets` is called until all are gone.
    """

    def __init__(
        self,
        all_of_them: Connections,
        *,
        is_serving: Callable[[], bool],
        end_sockets: Callable[[], None],
    ) -> None:
        self.connections = all_of_them
        self._is_serving = is_serving
        self._end_sockets = end_sockets
        self._clients: set[Client] = set()  # also those that are closing

    def admit(self, client: Client) -> bool:
        self._clients.add(client)
        return self.connections.add(client)

    def forget(self, client: Client) -> None:
        self._clients.discard(client)
        self.connections.remove(client)

    async def look_after(self) -> None:
        ticks = 0
        while self._is_serving():
            await asyncio.sleep(LOOK_SECONDS)
            ticks += 1
            if ticks % LOOKS == 0:
                self._look()
        await self._drain()

    def _look(self) -> None:
        now = self.connections.clock()
        for client in list(self._clients):
            client.look(now)

    async def _drain(self) -> None:
        requests: dict[Client, int] = {}
        while True:
            self._end_sockets()
            # Closed at once, a connection could lose a request that is already on its way.
            await asyncio.sleep(QUIET_SECONDS)
            for client in list(self._clients):
                if requests.get(client) == client.requests:
                    client.close_if_idle()
                requests[client] = client.requests
