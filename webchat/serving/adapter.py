"""Everything that touches gunicorn's internals: what its ASGI worker lacks, or does too slowly.

No other module uses undocumented names of gunicorn's; `webchat/tests/test_worker.py` lists each
of them.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.asgi.websocket import (
    OPCODE_BINARY,
    OPCODE_TEXT,
    WebSocketDisconnected,
    WebSocketProtocol,
)
from gunicorn.workers.gasgi import ASGIWorker

from .bridge import Message, Receive, Scope, Send
from .clients import FULL, TOO_LARGE, Client, Clients
from .connections import Connections
from .doorway import Doorway

HEADER_BYTES = 32 * 1024  # of all of them together, as nginx takes; gunicorn would take 800 KB
# The kernel is asked for this much at once, and reading pauses while more than that waits. Parsed
# byte by byte it blocks the loop for 5 ms, where asyncio's 256 KB would take a tenth of a second.
READ_BYTES = 16 * 1024
# Browsers send no pings of their own, others one in 20 seconds, and a message in a few parts.
UNREAD_FRAMES = 100
UNREAD_FRAMES_SECONDS = 10.0


def look_after_connections(
    worker: ASGIWorker, at_most: int, end_sockets: Callable[[], None]
) -> None:
    """Bound their number, close those that are idle or too slow, and all of them at a stop."""
    clients = Clients(
        Connections(at_most, worker.loop.time),
        is_serving=lambda: worker.alive,
        end_sockets=end_sockets,
    )
    doorways: list[Doorway] = []

    async def open_doorway(_factory: object, **options: Any) -> Doorway:
        def let_in(newcomer: socket.socket, said: bytes) -> Any:
            return worker.loop.connect_accepted_socket(
                lambda: Protocol(worker, clients, said), newcomer, ssl=options.get("ssl")
            )

        def may_wait() -> int:
            return clients.connections.may_wait() // len(doorways)

        # Bytes that come over TLS are not ours to read.
        listens = options.get("ssl") is None
        may_come_from = clients.connections.may_come_from
        doorways.append(Doorway(options["sock"], let_in, may_wait, may_come_from, listens=listens))
        return doorways[-1]

    worker.loop.create_server = open_doorway
    # The loop itself holds tasks only weakly.
    worker.look = worker.loop.create_task(clients.look_after())


class WorkerOfOne:
    """gunicorn's worker as one connection sees it: `alive` changes just before an answer's head.

    gunicorn asks for it there, to say whether the connection goes on, and once more after the
    answer. If the worker stopped in between, the client's next request would be lost. (The other
    reason to stop, `max_requests`, is not set.)
    """

    __slots__ = ("_is_alive", "_shared")

    def __init__(self, worker: ASGIWorker) -> None:
        object.__setattr__(self, "_shared", worker)
        self.notice_a_stop()

    def notice_a_stop(self) -> None:
        object.__setattr__(self, "_is_alive", self._shared.alive)

    @property
    def alive(self) -> bool:
        return bool(self._is_alive)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._shared, name, value)


class Protocol(ASGIProtocol):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's connection, with a bound on what it reads ahead, and watched by `Clients`."""

    def __init__(self, worker: ASGIWorker, clients: Clients, said: bytes) -> None:
        """Make one; `said`: what has been read from the connection already."""
        super().__init__(WorkerOfOne(worker))
        self._said = said
        self._max_buffer_size = READ_BYTES
        self._clients = clients
        self._application: Callable[..., Any] = worker.asgi
        self.app = self._answer
        self.client: Client | None = None
        self.asked_at: float | None = None  # when the first byte of a request came …
        self._asked = 0  # … and how many bytes of its headers have come since

    def connection_made(self, transport: Any) -> None:
        transport.max_size = READ_BYTES
        super().connection_made(transport)
        self.client = Client(self, self._clients.connections)
        if not self._clients.admit(self.client):
            self.refuse(FULL)
        elif self._said:
            said, self._said = self._said, b""
            try:
                self.data_received(said)
            except Exception:
                transport.abort()
                raise

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._request_ready.is_set():  # the headers are not complete
            self._count_headers(len(data))

    def _count_headers(self, size: int) -> None:
        if self.asked_at is None:
            self.asked_at = self.worker.loop.time()
        self._asked += size
        if self._asked > HEADER_BYTES and not self.transport.is_closing():
            self.refuse(TOO_LARGE)

    def refuse(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.client is not None:
            self._clients.forget(self.client)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked_at, self._asked = None, 0
        if self.client is not None:
            self.client.begin_request(scope)
        if scope["type"] == "http":
            send = partial(self._reply, send)
        try:
            await self._application(scope, receive, send)
        finally:
            if self.client is not None:
                self.client.quiet_since = self.worker.loop.time()

    async def _reply(self, send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.worker.notice_a_stop()
        await send(message)

    @property
    def is_idle(self) -> bool:
        return bool(self._awaiting_request)

    @property
    def requests(self) -> int:
        return int(self.req_count)

    def close(self) -> None:
        """Close it once all that was written has been taken."""
        self._keepalive_timeout()


def write_frames_to_the_living() -> None:
    """Make gunicorn write no frame to a connection that is gone.

    asyncio drops them and complains in the log, once for each.
    """

    async def send_frame(protocol: WebSocketProtocol, opcode: int, payload: bytes | str) -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        if not protocol.transport.is_closing():
            protocol.transport.write(frame(opcode, data))
        elif opcode in (OPCODE_TEXT, OPCODE_BINARY):
            raise WebSocketDisconnected("The client has gone.")

    WebSocketProtocol._send_frame = send_frame


def frame(opcode: int, payload: bytes) -> bytes:
    """Return one frame of a server, whole and not masked (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, length))
    elif length < 65536:
        head = bytes((0x80 | opcode, 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + length.to_bytes(8, "big")
    return head + payload


def unmask_at_once() -> None:
    """Make gunicorn unmask frames as one number (RFC 6455, 5.3).

    Its own way is byte by byte: 9 µs for a short message where this takes 0.7, and for the
    largest frame 2 ms in which nobody else is served.
    """
    WebSocketProtocol._unmask = lambda protocol, payload, key: unmask(payload, key)


def cut_off_floods() -> None:
    """End a connection at once if it sends many frames that nobody reads.

    Those are pings, pongs, parts of messages, and all that comes after our close frame, for whose
    answer gunicorn waits five seconds. It handles what has arrived already without a pause, before
    any budget could count it.
    """
    read_frame = WebSocketProtocol._read_frame

    async def read(protocol: WebSocketProtocol) -> Any:
        frame = await read_frame(protocol)
        is_message = frame is not None and frame[0] in (OPCODE_TEXT, OPCODE_BINARY)
        if frame is None or (is_message and not protocol._close_sent):
            return frame
        if not hasattr(protocol, "unread"):
            protocol.unread = deque(maxlen=UNREAD_FRAMES)
        now = time.monotonic()
        protocol.unread.append(now)
        if (
            len(protocol.unread) == UNREAD_FRAMES
            and now - protocol.unread[0] < UNREAD_FRAMES_SECONDS
        ):
            protocol.transport.abort()
            return None
        return frame

    WebSocketProtocol._read_frame = read


def unmask(payload: bytes, key: bytes) -> bytes:
    length = len(payload)
    mask = (key * (length // 4 + 1))[:length]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return number.to_bytes(length, "big")
