"""What gunicorn's ASGI worker does not do itself, or not fast enough."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.asgi.websocket import WebSocketProtocol
from gunicorn.workers.gasgi import ASGIWorker

LOOK_SECONDS = 0.2
# At a stop a connection is closed when it has been quiet for so long; a request that arrives
# before is still answered, and the answer says that the connection ends with it.
QUIET_SECONDS = 0.5
# For the first request of a connection; gunicorn has no limit of its own for that, and
# browsers open connections ahead of need.
FIRST_REQUEST_SECONDS = 60


def look_after_connections(worker: ASGIWorker) -> None:
    """Close what is idle when the worker stops, and what never asked anything.

    Without it a stop waits for every browser that keeps a connection open, until the
    graceful timeout. To be called from the hook `post_worker_init`.
    """
    connections = Connections(worker)
    create_server = worker.loop.create_server

    async def create_watched_server(factory: Callable[[], ASGIProtocol], **options: Any) -> Any:
        return await create_server(lambda: connections.watch(factory()), **options)

    worker.loop.create_server = create_watched_server
    # The loop itself holds tasks only weakly.
    worker.look = worker.loop.create_task(connections.look_after())


class Connections:
    """Those of one worker, each with the time at which it was opened."""

    def __init__(self, worker: ASGIWorker) -> None:
        self._worker = worker
        self._opened: weakref.WeakKeyDictionary[ASGIProtocol, float] = weakref.WeakKeyDictionary()

    def watch(self, protocol: ASGIProtocol) -> ASGIProtocol:
        self._opened[protocol] = self._worker.loop.time()
        return protocol

    async def look_after(self) -> None:
        while self._worker.alive:
            await asyncio.sleep(LOOK_SECONDS)
            self._close_silent()
        await self._drain()

    def _close_silent(self) -> None:
        too_old = self._worker.loop.time() - FIRST_REQUEST_SECONDS
        for protocol, since in list(self._opened.items()):
            if protocol.req_count <= 1 and since < too_old:
                _close_if_idle(protocol)

    async def _drain(self) -> None:
        from . import asgi  # gunicorn has loaded it by now

        requests: dict[ASGIProtocol, int] = {}
        while True:
            asgi.end_sockets()
            # Closed at once, a connection could lose the request that is on its way just now.
            await asyncio.sleep(QUIET_SECONDS)
            for protocol in list(self._opened):
                if requests.get(protocol) == protocol.req_count:
                    _close_if_idle(protocol)
                requests[protocol] = protocol.req_count


def _close_if_idle(protocol: ASGIProtocol) -> None:
    if protocol._awaiting_request:
        protocol._keepalive_timeout()


def unmask_at_once() -> None:
    """Have gunicorn unmask frames as one number (RFC 6455, 5.3).

    It goes byte by byte: 9 µs for a short message where this takes 0.7, and for the largest
    frame 2 ms in which nobody else is served. To be called from the hook `post_worker_init`.
    """
    WebSocketProtocol._unmask = lambda protocol, payload, key: unmask(payload, key)


def unmask(payload: bytes, key: bytes) -> bytes:
    length = len(payload)
    mask = (key * (length // 4 + 1))[:length]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return number.to_bytes(length, "big")
