"""The server's entry: Django for plain HTTP; live sockets have an address, and no answer yet."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from .bridge import Receive, Scope, Send, WsgiBridge

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat.settings")
# More than keep two cores busy: some of them wait for the write lock or hash a password.
REQUEST_THREADS = 8
django = WsgiBridge(get_wsgi_application(), REQUEST_THREADS)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})  # before an accept: the handshake gets a 403
    elif _is_live(scope["path"]):
        await _refuse_plain(send)
    else:
        await django(scope, receive, send)


def _is_live(path: str) -> bool:
    from django.conf import settings

    return path in ("/live/", f"{settings.PREFIX}/live/")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            django.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


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
