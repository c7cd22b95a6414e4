"""What gunicorn's ASGI worker does not do itself, or not fast enough.

Nothing else touches its private names; a test lists those that are used here.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.asgi.websocket import (
    OPCODE_BINARY,
    OPCODE_TEXT,
    WebSocketDisconnected,
    WebSocketProtocol,
)
from gunicorn.workers.gasgi import ASGIWorker

from ..base.addresses import network
from . import connections
from .bridge import Receive, Scope, Send
from .connections import Connection, Connections
from .doorway import Doorway
from .pace import Pace, Pulse, Reception, reception

LOOK_SECONDS = 0.2
LOOKS = 5  # at whether the worker stops, to one at every connection
# At a stop a connection is closed when it has been quiet for so long; a request that arrives
# before is still answered, and the answer says that the connection ends with it.
QUIET_SECONDS = 0.5
# For the first request of a connection; gunicorn has no limit of its own for that, and
# browsers open connections ahead of need.
FIRST_REQUEST_SECONDS = 60
# From the first byte of a request to the end of its headers: 8 KB of cookies take 2 s at 5 KB/s.
HEADER_SECONDS = 20
HEADER_BYTES = 32 * 1024  # of all of them together, as nginx takes; gunicorn would take 800 KB
# The kernel is asked for so much at once, and reading pauses while more than that waits. Parsed
# byte by byte it keeps the loop for 5 ms, where asyncio's 256 KB would take a tenth of a second.
READ_BYTES = 16 * 1024
# Browsers send no pings of their own, others one in 20 seconds, and a message in some parts.
UNREAD_FRAMES = 100
UNREAD_FRAMES_SECONDS = 10.0
# A thread that computes keeps the interpreter for so long while others want it; Python's own 5 ms
# are paid again at each step of a request that reads the database, and by the loop each time.
SWITCH_SECONDS = 0.0005
OPEN_FILES = 65_536  # asked for at the start, as webchat.service does

SHORT_PAUSE_SECONDS = 0.02  # first, then longer, between two looks at whether all was taken

RESET = struct.pack("ii", 1, 0)  # struct linger: close at once, whatever waits


def _plain(status: str, text: str = "", *headers: str) -> bytes:
    """An answer to somebody who has not asked anything yet."""
    body = text.encode()
    head = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "Content-Type: text/plain; charset=utf-8", "", ""]).encode() + body


BUSY = "服务器正忙，请稍后再试。\nThe server is busy. Please try again in a moment.\n"
FULL = _plain("503 Service Unavailable", BUSY, "Retry-After: 5")
TOO_SLOW = _plain("408 Request Timeout")
TOO_LARGE = _plain("431 Request Header Fields Too Large")


def raise_open_files() -> None:
    """Allow this process what the system lets it have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox may forbid it; what there is has to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_at_most() -> int:
    """How many connections fit below the limit of open files, with a reserve for the rest."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections.OF_ONE_WORKER
    return min(max(soft - connections.RESERVED, soft // 2), connections.OF_ONE_WORKER)


def look_after_connections(worker: ASGIWorker) -> None:
    """Bound how many there are, close what is idle or too slow, and all of it at a stop.

    To be called from the hook `post_worker_init`.
    """
    watch = Watch(worker, Connections(connections_at_most(), worker.loop.time))
    doorways: list[Doorway] = []

    async def open_doorway(_factory: object, **options: Any) -> Doorway:
        def let_in(newcomer: socket.socket, said: bytes) -> Any:
            return worker.loop.connect_accepted_socket(
                lambda: Protocol(worker, watch, said), newcomer, ssl=options.get("ssl")
            )

        def may_wait() -> int:
            return watch.connections.may_wait() // len(doorways)

        # What comes over TLS is not ours to read.
        listens = options.get("ssl") is None
        may_come_from = watch.connections.may_come_from
        doorways.append(Doorway(options["sock"], let_in, may_wait, may_come_from, listens=listens))
        return doorways[-1]

    worker.loop.create_server = open_doorway
    # The loop itself holds tasks only weakly.
    worker.look = worker.loop.create_task(watch.look_after())


class Protocol(ASGIProtocol):
    """gunicorn's, with a bound on what it reads ahead and somebody who watches."""

    def __init__(self, worker: ASGIWorker, watch: Watch, said: bytes = b"") -> None:
        """`said`: what has been read of the connection already."""
        super().__init__(worker)
        self._said = said
        self._max_buffer_size = READ_BYTES
        self._watch = watch
        self._application: Callable[..., Any] = worker.asgi
        self.app = self._serve
        self.client: Client | None = None
        self.asked_at: float | None = None  # when the first byte of a request came …
        self._asked = 0  # … and how many bytes of its headers have come since

    def connection_made(self, transport: Any) -> None:
        transport.max_size = READ_BYTES
        super().connection_made(transport)
        self.client = Client(self, self._watch.connections)
        if not self._watch.admit(self.client):
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
            self._watch.forget(self.client)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked_at, self._asked = None, 0
        if self.client is not None:
            self.client.begin_request(scope)
        try:
            await self._application(scope, receive, send)
        finally:
            if self.client is not None:
                self.client.quiet_since = self.worker.loop.time()

    @property
    def is_idle(self) -> bool:
        return self._awaiting_request

    def close(self) -> None:
        """Close it when all that was written has been taken."""
        self._keepalive_timeout()


class Client(Connection):
    """The connection of one protocol."""

    def __init__(self, protocol: Protocol, all_of_them: Connections) -> None:
        peer = protocol.transport.get_extra_info("peername")
        self._peer: str = peer[0] if isinstance(peer, tuple) else ""
        super().__init__(all_of_them, self._peer)
        self._protocol = protocol
        self._pace: Pace | None = None
        self._long_answers = 0  # the next may begin before the last byte of one was taken
        self._user_timeout = 0  # milliseconds, when there is none of them
        self._pulse = Pulse()

    @property
    def is_idle(self) -> bool:
        return self._protocol.is_idle and not self._long_answers

    @property
    def has_gone(self) -> bool:
        return bool(self._protocol.transport.is_closing())

    @property
    def requests(self) -> int:
        return self._protocol.req_count

    def drop(self) -> None:
        # Or the kernel would go on holding what was not taken yet.
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._protocol.close()
        self._protocol.transport.abort()

    def close_if_idle(self) -> None:
        if self.is_idle:
            self._protocol.close()

    def begin_request(self, scope: Scope) -> None:
        from ..middleware import proxied_address

        scope["webchat.connection"] = self
        self.quiet_since = self._protocol.worker.loop.time()
        address = proxied_address(self._peer, scope["headers"])
        if address is not None:
            self.belongs_to(network(address))  # a proxy's next request is anybody's

    def begin_long_answer(self, *, is_kept: bool) -> None:
        """For the kernel a reader who pauses is one who is gone, so it is watched from here."""
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


class Watch:
    """Looks after the connections of one worker."""

    def __init__(self, worker: ASGIWorker, all_of_them: Connections) -> None:
        self.connections = all_of_them
        self._worker = worker
        self._clients: set[Client] = set()  # also those that are closing

    def admit(self, client: Client) -> bool:
        self._clients.add(client)
        return self.connections.add(client)

    def forget(self, client: Client) -> None:
        self._clients.discard(client)
        self.connections.remove(client)

    async def look_after(self) -> None:
        ticks = 0
        while self._worker.alive:
            await asyncio.sleep(LOOK_SECONDS)
            ticks += 1
            if ticks % LOOKS == 0:
                self._look()
        await self._drain()

    def _look(self) -> None:
        now = self._worker.loop.time()
        for client in list(self._clients):
            client.look(now)

    async def _drain(self) -> None:
        from .. import asgi  # gunicorn has loaded it by now

        requests: dict[Client, int] = {}
        while True:
            asgi.end_sockets()
            # Closed at once, a connection could lose the request that is on its way just now.
            await asyncio.sleep(QUIET_SECONDS)
            for client in list(self._clients):
                if requests.get(client) == client.requests:
                    client.close_if_idle()
                requests[client] = client.requests


def write_frames_to_the_living() -> None:
    """Have gunicorn write no frame to a connection that has gone.

    asyncio drops it and complains in the log, once for each. To be called from the hook
    `post_worker_init`.
    """

    async def send_frame(protocol: WebSocketProtocol, opcode: int, payload: bytes | str) -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        if not protocol.transport.is_closing():
            protocol.transport.write(frame(opcode, data))
        elif opcode in (OPCODE_TEXT, OPCODE_BINARY):
            raise WebSocketDisconnected("The client has gone.")

    WebSocketProtocol._send_frame = send_frame


def frame(opcode: int, payload: bytes) -> bytes:
    """One frame of a server, whole and not masked (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, length))
    elif length < 65536:
        head = bytes((0x80 | opcode, 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + length.to_bytes(8, "big")
    return head + payload


def unmask_at_once() -> None:
    """Have gunicorn unmask frames as one number (RFC 6455, 5.3).

    It goes byte by byte: 9 µs for a short message where this takes 0.7, and for the largest
    frame 2 ms in which nobody else is served. To be called from the hook `post_worker_init`.
    """
    WebSocketProtocol._unmask = lambda protocol, payload, key: unmask(payload, key)


def cut_off_floods() -> None:
    """End a connection at once whose frames are none that anybody reads.

    Those are pings, pongs, parts of messages, and all that comes after our close frame, for whose
    answer gunicorn waits five seconds. It handles what has come already without a pause, before
    any budget could count it. To be called from the hook `post_worker_init`.
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
