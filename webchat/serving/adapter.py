"""Everything that touches gunicorn's internals: what its ASGI worker lacks, or does too slowly.

No other module uses undocumented names of gunicorn's; `webchat/tests/test_worker.py` lists each
of them.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from gunicorn.asgi import websocket
from gunicorn.asgi.parser import PythonProtocol
from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers.gasgi import ASGIWorker

from .bodies import KeepPiece
from .bridge import Message, Receive, Scope, Send
from .clients import FULL, TOO_LARGE, Client, Clients
from .connections import Connections
from .doorway import Doorway
from .frames import NORMAL, SERVER_ERROR, agreement
from .wire import Wire

HEADER_BYTES = 32 * 1024  # of all of them together, as nginx takes; gunicorn would take 800 KB
# The kernel is asked for this much at once, and reading pauses while more than that waits. Parsed
# byte by byte it blocks the loop for 5 ms, where asyncio's 256 KB would take a tenth of a second.
READ_BYTES = 16 * 1024
BODY_READ_BYTES = 128 * 1024  # … of a long body, which nobody parses

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


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
        self.shared_worker = worker
        self._said = said
        self._max_buffer_size = READ_BYTES
        self.clients = clients
        self._application: Application = worker.asgi
        self.app = self._answer
        self.client: Client | None = None
        self.asked_at: float | None = None  # when the first byte of a request came …
        self._asked = 0  # … and how many bytes of its headers have come since
        self._keep_piece: KeepPiece | None = None  # of a long body

    def connection_made(self, transport: Any) -> None:
        transport.max_size = READ_BYTES
        super().connection_made(transport)
        self.client = Client(self, self.clients.connections)
        if not self.clients.admit(self.client):
            self.refuse(FULL)
        elif self._said:
            said, self._said = self._said, b""
            try:
                self.data_received(said)
            except Exception:
                transport.abort()
                raise

    def data_received(self, data: bytes) -> None:
        kept = 0 if self._keep_piece is None else self._pass_on(self._keep_piece, data)
        if kept < len(data):
            super().data_received(data[kept:])
        if self._keep_piece is not None:
            self._read_body()
        if not self._request_ready.is_set():  # the headers are not complete
            self._count_headers(len(data))

    def pass_body(self, keep_piece: KeepPiece) -> None:
        """Give what comes of the body of this request to a function, and not to `receive`.

        All but its last byte, and what the function does not keep, still go the other way.
        """
        if type(self._callback_parser) is PythonProtocol:
            self._keep_piece = keep_piece
            self._read_body()

    def _pass_on(self, keep_piece: KeepPiece, data: bytes) -> int:
        """Return how many bytes are kept; what waits in `receive` comes first."""
        parser, receiver = self._callback_parser, self._body_receiver
        count: int = min(len(data), parser._body_remaining - 1)
        if count <= 0 or receiver is None or receiver.buffered:
            return 0
        if not keep_piece(data if count == len(data) else data[:count]):
            return 0
        parser._body_remaining -= count
        return count

    def _read_body(self) -> None:
        """Read no more at once than is left of the body: what follows is parsed."""
        left = self._callback_parser._body_remaining
        self.transport.max_size = max(READ_BYTES, min(left, BODY_READ_BYTES))

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
            self.clients.forget(self.client)

    def leave(self) -> None:
        """End gunicorn's part of a connection that goes on without it."""
        super().connection_lost(None)
        self.worker.nr_conns += 1  # until it is lost

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked_at, self._asked = None, 0
        if self.client is not None:
            self.client.begin_request(scope)
        if scope["type"] == "http":
            scope["webchat.pass_body"] = self.pass_body
            send = partial(self._reply, send)
        try:
            await self._application(scope, receive, send)
        finally:
            self._keep_piece = None
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


class Upgrade:
    """Stands in for gunicorn's WebSocketProtocol: the handshake is ASGI, the rest is a wire.

    From `websocket.accept` on, the transport has the wire as its protocol. The application finds
    it in the scope as `webchat.wire`, and may return: the connection needs no task.
    """

    def __init__(  # as gunicorn calls it
        self,
        transport: Any,
        scope: Scope,
        app: Application,
        log: Any,
        max_message_size: int,
        drain: object,
    ) -> None:
        self._transport = transport
        self._scope = scope
        self._app = app
        self._log = log
        self._protocol: Protocol = transport.get_protocol()
        self._wire = CountedWire(self._protocol, transport, max_message_size)
        scope["webchat.wire"] = self._wire
        self._is_accepted = False

    def feed_data(self, data: bytes) -> None:
        self._wire.keep(data)

    def feed_eof(self) -> None:
        if not self._is_accepted:
            self._wire.close()

    async def run(self) -> None:
        refusal = b"403 Forbidden"
        try:
            await self._app(self._scope, self._next_event, self._obey)
        except Exception:
            refusal = b"500 Internal Server Error"
            self._log.exception("A handshake could not be served")
        finally:
            if not self._is_accepted:
                self._turn_down(refusal)
            else:
                if not self._wire.has_reader:
                    self._wire.end(SERVER_ERROR)
                self._protocol.leave()

    async def _next_event(self) -> Message:
        return {"type": "websocket.connect"}

    async def _obey(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self._accept()
        elif message["type"] != "websocket.close":
            raise RuntimeError("After the handshake, the wire carries what is said.")
        elif self._is_accepted:
            self._wire.end(message.get("code", NORMAL))
        else:
            self._turn_down(b"403 Forbidden")

    def _accept(self) -> None:
        if not self._wire.is_open:
            return  # the peer has gone
        self._is_accepted = True
        headers = self._scope["headers"]
        key = next(value for name, value in headers if name == b"sec-websocket-key")
        self._transport.write(agreement(key))
        self._transport.set_protocol(self._wire)
        if self._protocol.client is not None:
            self._protocol.client.go_on(self._wire)

    def _turn_down(self, status: bytes) -> None:
        if not self._transport.is_closing():
            head = b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            self._transport.write(head % status)
            self._transport.close()


class CountedWire(Wire):
    """A wire that counts among the connections of the worker."""

    __slots__ = ("_client", "_clients", "_worker")
    asked_at: float | None = None  # it asks for nothing any more

    def __init__(self, protocol: Protocol, transport: Any, most: int) -> None:
        super().__init__(transport, most)
        self._worker = protocol.shared_worker
        self._clients = protocol.clients
        self._client = protocol.client

    @property
    def is_idle(self) -> bool:
        """Whether it may go at a stop: once it has been closed, as long as nobody answers that."""
        return self.is_closing

    @property
    def requests(self) -> int:
        return 1 + self.is_closing

    def refuse(self, _answer: bytes) -> None:
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._worker.nr_conns -= 1
        if self._client is not None:
            self._clients.forget(self._client)


def serve_sockets_by_wires() -> None:
    """Make gunicorn hand over a connection once it has read the request for a WebSocket."""
    websocket.WebSocketProtocol = Upgrade
