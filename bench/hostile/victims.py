"""The scheduled work of the class while others attack. Run in a process of its own.

Reads the server's address and the pupils as one line of JSON, prints “ready”, and then, for each
line with a number of seconds, measures that long and prints the result as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from client import Address, WebSocket, open_live
from load import percentile, send_frame

from .wire import GONE, Client

TIMEOUT_SECONDS = 10.0  # before a pupil gives up; counted as this long
SPEAKERS = 10  # each sends once a second, far below SEND_RATE
LISTENERS = 5
A_SECOND = {"page": 4, "send": 10, "ping": 10, "healthz": 10}


class Refused(Exception):  # noqa: N818  (an answer, only not the one that was wanted)
    pass


class Line:
    """A live socket that reconnects when it is cut, as that of a page does."""

    def __init__(self, address: Address, cookie: str) -> None:
        self._address = address
        self._cookie = cookie
        self._socket: WebSocket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._acks: dict[str, asyncio.Future[None]] = {}
        self._pongs: list[asyncio.Future[None]] = []

    async def open(self) -> None:
        self._pongs.clear()
        self._socket = await open_live(self._address, self._cookie)
        self._socket.on_text = self._on_text

    async def send(self, to: str) -> None:
        client_id = str(uuid4())
        ack = self._acks[client_id] = asyncio.get_running_loop().create_future()
        try:
            self._write(send_frame(client_id, to))
            await ack
        finally:
            del self._acks[client_id]

    async def ping(self) -> None:
        pong = asyncio.get_running_loop().create_future()
        self._write(b'{"type":"ping"}')
        self._pongs.append(pong)
        await pong

    def _write(self, frame: bytes) -> None:
        if self._socket is None or self._socket.closed:
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._open_again())
            raise Refused("closed")
        self._socket.send(frame)

    async def _open_again(self) -> None:
        with suppress(*GONE, TimeoutError):
            await self.open()

    def _on_text(self, text: bytes) -> None:
        if b'"pong"' in text[:24] and self._pongs:
            pong = self._pongs.pop(0)
            if not pong.done():
                pong.set_result(None)
        elif b'"event"' not in text[:24]:
            self._on_answer(json.loads(text))

    def _on_answer(self, frame: dict[str, Any]) -> None:
        waiting = self._acks.get(frame.get("client_id") or "")
        if waiting is None or waiting.done():
            return
        if frame["type"] == "ack":
            waiting.set_result(None)
        else:
            waiting.set_exception(Refused(frame["code"]))


class Browsers:
    """A pool of kept-alive connections, as many as are needed at once."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[Client] = []

    async def get(self, path: str, cookie: str = "") -> None:
        client = self._idle.pop() if self._idle else Client(self._address)
        was_open = client.is_open
        try:
            status, _length = await client.get(path, cookie)
        except GONE:
            if not was_open:
                raise
            # The server may close idle connections; browsers then try again, too.
            status, _length = await client.get(path, cookie)
        self._idle.append(client)
        if status != 200:
            raise Refused(str(status))


class Victims:
    def __init__(self, address: Address, pupils: list[dict[str, str]]) -> None:
        self.pupils = pupils
        self._address = address
        self.browsers = Browsers(address)
        lines = [Line(address, pupil["cookie"]) for pupil in pupils[: SPEAKERS + LISTENERS]]
        self.speakers, self.listeners = lines[:SPEAKERS], lines[SPEAKERS:]
        self.probes: dict[str, Callable[[int], Awaitable[None]]] = {
            "page": self._page,
            "send": lambda n: self.speakers[n % SPEAKERS].send(self._friend(n % SPEAKERS)),
            "ping": lambda n: self.listeners[n % LISTENERS].ping(),
            "healthz": lambda _n: self._come_in(),
        }

    async def open(self) -> None:
        await asyncio.gather(*(line.open() for line in (*self.speakers, *self.listeners)))

    async def _page(self, number: int) -> None:
        place = number % len(self.pupils)
        await self.browsers.get(f"/chat/{self._friend(place)}/", self.pupils[place]["cookie"])

    async def _come_in(self) -> None:
        """Ask for /healthz as a newcomer without a connection."""
        client = Client(self._address)
        try:
            status, _length = await client.get("/healthz")
        finally:
            client.close()
        if status != 200:
            raise Refused(str(status))

    def _friend(self, place: int) -> str:
        return self.pupils[place ^ 1]["name"]

    async def measure(self, seconds: float) -> dict[str, Any]:
        begin = time.perf_counter() + 0.1
        schedules = [
            _keep_schedule(act, begin + shift / 40, 1 / A_SECOND[name], seconds)
            for shift, (name, act) in enumerate(self.probes.items())
        ]
        results = await asyncio.gather(*schedules)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        named = dict(zip(self.probes, results, strict=True))
        return {"probes": named, "cpu": usage.ru_utime + usage.ru_stime}


async def _keep_schedule(
    act: Callable[[int], Awaitable[None]], begin: float, every: float, seconds: float
) -> dict[str, Any]:
    """Act on schedule, whatever comes back, and count latency from the scheduled moment.

    Otherwise a stalled server would get one request, and only that one would be slow.
    """
    latencies: list[float] = []
    failed: Counter[str] = Counter()

    async def timed(number: int, due: float) -> None:
        try:
            async with asyncio.timeout(due + TIMEOUT_SECONDS - time.perf_counter()):
                await act(number)
        except (*GONE, TimeoutError, Refused) as error:
            failed[str(error) if isinstance(error, Refused) else type(error).__name__] += 1
            latencies.append(TIMEOUT_SECONDS)
        else:
            latencies.append(time.perf_counter() - due)

    tasks = []
    for number in range(int(seconds / every)):
        due = begin + number * every
        await asyncio.sleep(due - time.perf_counter())
        tasks.append(asyncio.create_task(timed(number, due)))
    await asyncio.gather(*tasks)
    p50, p99 = (percentile(latencies, share) for share in (0.5, 0.99))
    return {"p50": p50, "p99": p99, "max": max(latencies), "of": len(latencies), "failed": failed}


async def serve() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    given = json.loads(sys.stdin.readline())
    victims = Victims(Address(**given["address"]), given["pupils"])
    await victims.open()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await victims.measure(float(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
