"""The server's entry point: Django for plain HTTP, the live engine for sockets on `/live/`."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
from importlib import import_module
from typing import IO, TYPE_CHECKING

from django.conf import settings

from . import wsgi
from .database import wal
from .database.locks import HeldError, reach_database, serving_lock, take
from .serving.bridge import Receive, Scope, Send, WsgiBridge

if TYPE_CHECKING:
    from chat.live.engine import Engine

# More than keep two cores busy: some of them wait for the write lock or hash a password.
REQUEST_THREADS = 8
STOP_SECONDS = 1.0  # for the log of the database, at the end
django = WsgiBridge(wsgi.application, REQUEST_THREADS, settings.DATA_DIR)
engine: Engine | None = None  # while the worker serves
logger = logging.getLogger(__name__)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await _serve_socket(scope, receive, send)
    elif _is_live(scope["path"]):
        await _refuse_plain(send)
    else:
        try:
            await django(scope, receive, send)
        finally:
            if engine is not None and scope["method"] not in ("GET", "HEAD"):
                engine.look()  # so that what was posted is live at once


def end_sockets() -> None:
    """Tell every socket to come back to the worker's successor, and answer those that wait."""
    django.end_waits()
    if engine is not None:
        engine.begin_stop()


def _is_live(path: str) -> bool:
    return path in ("/live/", f"{settings.PREFIX}/live/")


async def _lifespan(receive: Receive, send: Send) -> None:
    # Its modules need the applications loaded, which `wsgi` has done.
    from chat.live.engine import Engine

    global engine
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                lock = _enter_data()
            except (OSError, HeldError) as error:
                sentence = " ".join(str(error).splitlines())
                # gunicorn's own record of it has the class of an exception but no message.
                logger.error(sentence)
                await send({"type": "lifespan.startup.failed", "message": sentence})
                return
            engine = Engine(django.turns)
            import_module(settings.ROOT_URLCONF)  # the first visitor does not wait for the views
            await engine.start()
            # Everything loaded by now stays: the collector need not go through it again.
            gc.collect()
            gc.freeze()
            await send({"type": "lifespan.startup.complete"})
        else:
            if engine is not None:
                await engine.stop()
            django.close()
            # Other workers may go on: the last one finds nobody in the way.
            await asyncio.to_thread(wal.truncate_within, settings.DATABASE_FILE, STOP_SECONDS)
            lock.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _enter_data() -> IO[bytes]:
    """Close the data to others, and hold the lock that tells `manage.py restore` of a server.

    Raises HeldError when another process does not let us in.
    """
    from .privacy import close_to_others

    for line in close_to_others():
        logger.warning(line)
    reach_database(settings.DATABASE_FILE, to_write=False)
    return take(serving_lock(), fcntl.LOCK_SH)


async def _serve_socket(scope: Scope, receive: Receive, send: Send) -> None:
    from chat.live.handshake import serve

    if engine is not None and _is_live(scope["path"]):
        await serve(engine, scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.close"})  # before an accept: the handshake gets a 403


async def _refuse_plain(send: Send) -> None:
    """Say that `/live/` speaks WebSocket only (RFC 9110, 15.5.22)."""
    body = b'{"error": {"code": "upgrade_required", "message": "WebSocket only."}}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"upgrade"),
        (b"upgrade", b"websocket"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})
