"""The server's side of one request, and an answer, for the tests of the bridge."""

from __future__ import annotations

import asyncio
import threading

from webchat.serving.bridge import WsgiBridge


class Peer:
    """The server's side of one request: `receive` plays `body`, `send` notes what comes."""

    def __init__(self, *body, stall_after=None):
        self.body = list(body) or [b""]
        self.sent = []
        self.gone = asyncio.Event()
        self.stall_after = stall_after

    async def receive(self):
        if self.body:
            chunk = self.body.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self.body)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if self.stall_after is not None and len(self.sent) > self.stall_after:
            await self.gone.wait()

    @property
    def start(self):
        return self.sent[0]

    @property
    def content(self):
        return b"".join(message["body"] for message in self.sent[1:])


def scope(**changes):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.7", 5000),
    } | changes


async def exchange(wsgi, peer, around):
    """Run one request, up to the moment at which its thread has said that it has ended."""
    try:
        await asyncio.wait_for(wsgi(around, peer.receive, peer.send), 5)
    finally:
        await asyncio.to_thread(wsgi._threads.shutdown)


def run(application, peer_body=(), folder=None, **changes):
    async def once():
        peer = Peer(*peer_body)
        if peer_body:
            changes.setdefault("headers", [(b"transfer-encoding", b"chunked")])
        await exchange(WsgiBridge(application, 2, folder), peer, scope(**changes))
        return peer

    return asyncio.run(once())


class Stream:
    """A long answer that notes how far it was read and on which thread it was closed."""

    def __init__(self, chunks):
        self.chunks = chunks
        self.given = 0
        self.closed = threading.Event()

    def __call__(self, environ, start_response):
        self.began_on = threading.get_ident()
        start_response("200 OK", [])
        return self

    def __iter__(self):
        while self.given < self.chunks:
            self.given += 1
            yield b"x" * 1000

    def close(self):
        self.closed_on = threading.get_ident()
        self.closed.set()
