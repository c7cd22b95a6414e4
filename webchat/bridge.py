"""Runs Django's WSGI application below an ASGI server, on threads that live on.

A request costs one hop into a thread and one back, in a turn of its client (`turns`). The
threads persist, and with them their database connections. What a thread is never used for is
waiting for a slow client: the body is complete before it starts, and it ends when the client of
a stream has gone.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from .turns import REFUSED_SECONDS, Client, Turns

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Environ = dict[str, Any]
Application = Callable[..., Iterable[bytes]]

BODY_BYTES = 1024 * 1024  # kept in memory; of a longer body Django only learns the length
DISCARDED_BYTES = 16 * BODY_BYTES  # read and thrown away, so that the client sees the refusal
WHOLE_BYTES = 256 * 1024  # a response up to this goes back in one piece
CHUNKS_AHEAD = 4  # of a stream, before its thread waits for the client
UNPAID_SECONDS = 0.001  # of processor: less is not worth a word to the loop


class ClientGone(Exception):  # noqa: N818  (not an error: it ends a stream without a reader)
    pass


class WsgiBridge:
    def __init__(self, application: Application, threads: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self.turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        if body is None:
            return
        client = await self.turns.take(scope)
        exchange = _Exchange(self._application, _environ(scope, *body), client)
        self._threads.submit(exchange.run)
        await exchange.relay(receive, send)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Exchange:
    """One request and its response: `run` is the thread's side, `relay` the loop's."""

    def __init__(self, application: Application, environ: Environ, client: Client) -> None:
        self._application = application
        self._environ = environ
        self._client = client
        self._has_turn = True
        self._start: Message = {}
        self._loop = asyncio.get_running_loop()
        self._outbox: asyncio.Queue[list[Message] | BaseException] = asyncio.Queue()
        self._credit = threading.Semaphore(CHUNKS_AHEAD)
        self._gone = False

    def run(self) -> None:
        self._paid = time.thread_time()  # of processor, that the client knows of
        try:
            self._respond()
        except ClientGone:
            pass
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, error)
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        """Let the next one in, told by the thread itself: a client who leaves early frees nothing.

        The turn ends with the first piece of the answer; what a stream takes after it is paid.
        """
        now = time.thread_time()
        used, self._paid = now - self._paid, now
        if self._has_turn:
            self._has_turn = False
            refused = REFUSED_SECONDS if self._start.get("status") == 429 else 0.0
            self._loop.call_soon_threadsafe(self._client.leave, used + refused)
        elif used > UNPAID_SECONDS:
            self._loop.call_soon_threadsafe(self._client.pay, used)

    def _respond(self) -> None:
        response = self._application(self._environ, self._start_response)
        last: list[Message] = []
        try:
            if self._is_short():
                last = [self._start, _body(b"".join(response))]
            elif self._has_no_body():
                last = [self._start, _body(b"")]
            else:
                self._put([self._start])
                for chunk in response:
                    self._put([_body(chunk, more=True)])
                last = [_body(b"")]
        finally:
            # Django ends its request here, on the thread that began it.
            if hasattr(response, "close"):
                response.close()
        self._put(last)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> None:
        """PEP 3333, but for the `write` that it would return: Django has no use for it."""
        self._start = {
            "type": "http.response.start",
            "status": int(status.split(" ", 1)[0]),
            "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
        }

    def _has_no_body(self) -> bool:
        return self._environ["REQUEST_METHOD"] == "HEAD" or self._start["status"] in (204, 304)

    def _is_short(self) -> bool:
        length = dict(self._start["headers"]).get(b"content-length")
        return not self._has_no_body() and length is not None and int(length) <= WHOLE_BYTES

    def _put(self, messages: list[Message]) -> None:
        if messages[0] is self._start:
            self._end_turn()
        self._credit.acquire()
        if self._gone:
            raise ClientGone
        self._loop.call_soon_threadsafe(self._outbox.put_nowait, messages)

    async def relay(self, receive: Receive, send: Send) -> None:
        more, watch = True, None
        try:
            while more:
                messages = await self._outbox.get()
                if isinstance(messages, BaseException):
                    raise messages
                for message in messages:
                    await send(message)
                more = messages[-1].get("more_body", True)
                self._credit.release()
                if more and not watch:
                    watch = asyncio.create_task(self._watch(receive))
        finally:
            if watch:
                watch.cancel()
            self._leave()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._gone = True
        self._credit.release()


def _body(chunk: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": more}


async def _read_body(receive: Receive) -> tuple[bytes, int] | None:
    """Return the body and its length, without the bytes if it is too long; None: client left."""
    body = bytearray()
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        length += len(chunk)
        if length <= BODY_BYTES:
            body += chunk
        else:
            body.clear()
        if not message.get("more_body", False) or length > DISCARDED_BYTES:
            return bytes(body), length


def _environ(scope: Scope, body: bytes, length: int) -> Environ:
    """Build the environ of PEP 3333, whose strings hold bytes as latin-1."""
    host, port = scope.get("server") or ("localhost", None)
    client = scope.get("client")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(length) if length else "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",  # a unix socket has none
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        if name == "CONTENT_LENGTH":
            continue  # what arrived counts
        key = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        if key in environ:
            value = environ[key] + ("; " if name == "COOKIE" else ",") + value
        environ[key] = value
    return environ
