"""The common part of all attacks: target, duration and repetition."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from client import Address, WebSocket, open_live, open_websocket

from .wire import GONE, Client

AGAIN_SECONDS = 0.2  # before a lost connection is reopened
BACKLOG_BYTES = 256 * 1024  # untaken frames: more would only fill our memory
CATCH_UP_SECONDS = 0.1  # the lag of a schedule before it is given up
# Bytes, as from far away (RFC 9293, 3.7.1): with loopback's 64 KiB, the server's kernel would
# buffer whole answers.
SMALL_SEGMENT = 536
# The address of bare connections, so that the server sees another machine.
ELSEWHERE = "127.0.0.2"
SMALL_BUFFER = 2_304  # bytes: the smallest receive buffer of Linux


@dataclass(slots=True)
class Aim:
    address: Address
    world: dict[str, Any]
    seconds: float
    tally: Counter[str] = field(default_factory=Counter)  # of the server's answers

    def cookie(self, name: str = "mallory") -> str:
        return self.world["cookies"][name]

    async def repeat(
        self,
        parallel: int,
        act: Callable[[Client, int], Awaitable[object]],
        per_second: float = float("inf"),
    ) -> None:
        """Do `act`, numbered, on `parallel` connections at once until the time is over.

        As fast as the server answers, or at most `per_second`, all of them together.
        """
        numbers = itertools.count()

        async def one() -> None:
            client = Client(self.address)
            while True:
                began = time.monotonic()
                try:
                    self.count(await act(client, next(numbers)))
                except GONE as error:
                    self.count(type(error).__name__)
                    await asyncio.sleep(AGAIN_SECONDS)
                rest = began + parallel / per_second - time.monotonic()
                await asyncio.sleep(max(0.0, rest))

        await self.hold(parallel, one)

    async def hold(self, parallel: int, one: Callable[[], Awaitable[None]]) -> None:
        """Run `parallel` of `one` until the time is over, restarting those that end early."""

        async def again() -> None:
            while True:
                with suppress(*GONE, TimeoutError):
                    await one()
                self.tally["gone"] += 1
                await asyncio.sleep(AGAIN_SECONDS)

        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                await asyncio.gather(*(again() for _ in range(parallel)))

    async def flood(
        self,
        make_frame: Callable[[int], Any],
        *,
        name: str = "mallory",
        sockets: int = 1,
        per_second: float = 500.0,
    ) -> None:
        """Send frames on live sockets of one person, each at the given rate."""

        async def one() -> None:
            live = await self.open_live(name)
            due = time.monotonic()
            for number in itertools.count():
                if live.closed:
                    return
                if live.backlog < BACKLOG_BYTES:
                    live.send(as_frame(make_frame(number)))
                    self.tally["frames"] += 1
                due = max(due + 1 / per_second, time.monotonic() - CATCH_UP_SECONDS)
                await asyncio.sleep(due - time.monotonic())

        await self.hold(sockets, one)

    async def open_live(self, name: str, *, after: int | None = None) -> WebSocket:
        def on_text(text: bytes) -> None:
            self.tally[text[9:24].split(b'"')[0].decode()] += 1

        if after is None:
            live = await open_live(self.address, self.cookie(name))
            live.on_text = on_text
            return live
        return await open_websocket(
            self.address, f"/live/?after={after}", self.cookie(name), on_text
        )

    async def connect(self) -> socket.socket:
        """Open a bare connection with almost no receive buffer."""
        sock = socket.socket()
        try:
            sock.setblocking(False)
            if self.address.host == "127.0.0.1":
                sock.bind((ELSEWHERE, 0))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, (self.address.host, self.address.port))
        except BaseException:
            sock.close()
            raise
        return sock

    def count(self, said: object) -> None:
        self.tally[str(getattr(said, "status", said))] += 1


def as_frame(frame: Any) -> bytes:
    return frame if isinstance(frame, bytes) else json.dumps(frame, ensure_ascii=False).encode()


class Group(NamedTuple):
    """Attacks on one kind of server, with one quiet measurement before them."""

    open_files: int | None = None  # `ulimit -n` of the server
    fsync_seconds: float = 0.0  # added to each sync


class Attack(NamedTuple):
    group: str
    run: Callable[[Aim], Awaitable[None]]

    @property
    def promise(self) -> str:
        """The attack in one sentence."""
        return (self.run.__doc__ or "").split("\n\n")[0].replace("\n", " ")


GROUPS = {
    "control": Group(),
    "texts": Group(),
    "searches": Group(),
    "slow": Group(),
    "connections": Group(open_files=1_024),  # the usual limit
    "costs": Group(),
    "disk": Group(fsync_seconds=0.020),  # as on an old hard disk
    "accounts": Group(),
    "floods": Group(),
}
ATTACKS: dict[str, Attack] = {}  # by name

Run = Callable[[Aim], Awaitable[None]]


def attack(group: str) -> Callable[[Run], Run]:
    """Register a function in `ATTACKS` under its own name."""

    def enter(run: Run) -> Run:
        ATTACKS[run.__name__.replace("_", "-")] = Attack(group, run)
        return run

    return enter
