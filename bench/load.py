"""The load on the server: closed loops, open loops, pings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

from client import Address, Browser, WebSocket, open_live, open_websocket

TEXT = "明天下午三点开会，记得带上电脑。"
LAST_ONES_SECONDS = 30.0  # for what is under way when the time is over, a backlog perhaps
SPIN_SECONDS = 0.002  # asyncio's timers are up to a millisecond late: spin for the rest
HANDSHAKES_AT_ONCE = 20

Progress = Callable[[str], None]


@dataclass(slots=True)
class Window:
    """The seconds that count, after the warm-up."""

    begin: float
    end: float

    @classmethod
    def of(cls, warm_up: float, seconds: float) -> Window:
        now = time.perf_counter()
        return cls(now + warm_up, now + warm_up + seconds)

    def __contains__(self, moment: float) -> bool:
        return self.begin <= moment < self.end


@dataclass(slots=True)
class Result:
    seconds: float
    done: set[str] = field(default_factory=set)  # client ids, in hex, of all completed messages
    counted: int = 0  # of those in the window
    latencies: list[float] = field(default_factory=list)
    lost: int = 0  # incomplete when everything should have been complete

    @property
    def rate(self) -> float:
        return self.counted / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


Mark = tuple[bytes, int, int]  # something to find, and between which bytes


@dataclass(frozen=True, slots=True)
class Speech:
    """The frames of a server: how one sends, and how to tell what comes."""

    send: Callable[[str, str], bytes]
    ack: Mark
    event: Mark
    error: Mark


class Talker:
    """One side of a pair, with one message under way at a time."""

    def __init__(
        self, socket: WebSocket, to: str, window: Window, result: Result, speech: Speech
    ) -> None:
        self.peer = self
        self._speech = speech
        self._socket = socket
        self._to = to
        self._window = window
        self._result = result
        self.client_id = b""
        self.waits_for = 0  # ack and delivery
        self._sent_at = 0.0
        socket.on_text = self._on_text

    def say(self) -> None:
        client_id = str(uuid4())
        self.client_id = client_id.encode()
        self.waits_for = 2
        self._sent_at = time.perf_counter()
        self._socket.send(self._speech.send(client_id, self._to))

    def _on_text(self, text: bytes) -> None:
        is_ack = text.find(*self._speech.ack) >= 0
        if is_ack and self.client_id in text:
            self._half_done()
        elif not is_ack and self.peer.client_id in text:
            self.peer._half_done()
        elif text.find(*self._speech.error) >= 0:
            raise RuntimeError(text.decode())

    def _half_done(self) -> None:
        self.waits_for -= 1
        if self.waits_for:
            return
        now = time.perf_counter()
        result = self._result
        result.done.add(self.client_id.decode().replace("-", ""))
        if now in self._window:
            result.counted += 1
            result.latencies.append(now - self._sent_at)
        if now < self._window.end:
            self.say()


def send_frame(client_id: str, to: str) -> bytes:
    return f'{{"type":"send","client_id":"{client_id}","to":"{to}","text":"{TEXT}"}}'.encode()


OURS = Speech(send_frame, (b'"ack"', 0, 24), (b'"event"', 0, 24), (b'"error"', 0, 24))

ack_numbers = count()


def send_frame_of_peer(client_id: str, to: str) -> bytes:
    draft = f'{{"client_id":"{client_id}","to":"{to}","text":"{TEXT}"}}'
    return f'42{next(ack_numbers)}["send",{draft}]'.encode()


PEER = Speech(send_frame_of_peer, (b"43", 0, 2), (b'42["message"', 0, 12), (b"44", 0, 2))

Sockets = list[tuple[WebSocket, str]]  # each with the name of the friend at the other end


async def open_pairs(address: Address, people: Sequence[dict[str, str]]) -> Sockets:
    """Open the sockets of pairs of friends: 0 with 1, 2 with 3 …"""
    sockets = await open_many(address, [person["cookie"] for person in people])
    return [(socket, people[i ^ 1]["username"]) for i, socket in enumerate(sockets)]


async def open_many(
    address: Address,
    visitors: Sequence[str],
    opening: Callable[[Address, str], Awaitable[WebSocket]] = open_live,
) -> list[WebSocket]:
    """Open a socket for each visitor: of ours by the cookie, of the peer by the name."""
    gate = asyncio.Semaphore(HANDSHAKES_AT_ONCE)

    async def open_one(visitor: str) -> WebSocket:
        async with gate:
            return await opening(address, visitor)

    return list(await asyncio.gather(*map(open_one, visitors)))


async def closed_loop(sockets: Sockets, window: Window, speech: Speech = OURS) -> Result:
    """Let everyone send, and send again after the ack and the delivery."""
    result = Result(window.end - window.begin)
    talkers = [Talker(socket, to, window, result, speech) for socket, to in sockets]
    for i, talker in enumerate(talkers):
        talker.peer = talkers[i ^ 1]
    for talker in talkers:
        talker.say()
    await asyncio.sleep(window.end - time.perf_counter())
    await _wait_until(lambda: not any(talker.waits_for for talker in talkers))
    result.lost = sum(1 for talker in talkers if talker.waits_for)
    return result


async def open_loop(
    per_second: float, sockets: Sockets, window: Window, speech: Speech = OURS
) -> Result:
    """Send on schedule, whatever comes back; latency counts from the scheduled moment."""
    result = Result(window.end - window.begin)
    under_way: list[dict[bytes, float]] = [{} for _ in sockets]  # by recipient
    unanswered = 0

    def listener(i: int) -> Callable[[bytes], None]:
        def on_text(text: bytes) -> None:
            nonlocal unanswered
            if text.find(*speech.ack) >= 0:
                unanswered -= 1
            if text.find(*speech.event) < 0:
                return
            at = text.find(b'"client_id":"') + 13
            due = under_way[i].pop(text[at : at + 36], None)
            if due is not None:
                result.done.add(text[at : at + 36].decode().replace("-", ""))
                if due in window:
                    result.counted += 1
                    result.latencies.append(time.perf_counter() - due)

        return on_text

    for i, (socket, _to) in enumerate(sockets):
        socket.on_text = listener(i)
    due, sent = time.perf_counter(), 0
    while due < window.end:
        await sleep_until(due)
        i = sent % len(sockets)
        client_id = str(uuid4())
        under_way[i ^ 1][client_id.encode()] = due
        socket, to = sockets[i]
        socket.send(speech.send(client_id, to))
        sent += 1
        unanswered += 1
        due += 1 / per_second
    await _wait_until(lambda: not (unanswered or any(under_way)))
    result.lost = max(unanswered, sum(map(len, under_way)))
    return result


async def ping_probe(socket: WebSocket, window: Window, per_second: float = 50.0) -> list[float]:
    """Measure pings, on a schedule, while something else goes on."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    pongs: list[asyncio.Future[None]] = []

    def on_text(text: bytes) -> None:
        if b'"pong"' in text and pongs:
            pongs.pop(0).set_result(None)

    socket.on_text = on_text
    due = window.begin
    while due < window.end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()  # without spinning: the other loop needs the time
        pong = loop.create_future()
        pongs.append(pong)
        socket.send(b'{"type":"ping"}')
        await asyncio.wait_for(pong, 30)
        latencies.append(time.perf_counter() - began)
        due = max(due + 1 / per_second, time.perf_counter())
    return latencies


async def open_bare(address: Address, connections: int) -> list[WebSocket]:
    return [await open_websocket(address, "/") for _ in range(connections)]


async def echo_loop(sockets: Sequence[WebSocket], window: Window) -> Result:
    """Measure the floor: the same frames, answered by the bare server."""
    result = Result(window.end - window.begin)
    frame = send_frame(str(uuid4()), "bench0001")

    def talk(socket: WebSocket) -> None:
        def on_text(text: bytes) -> None:
            now = time.perf_counter()
            if now in window:
                result.counted += 1
            if now < window.end:
                socket.send(frame)

        socket.on_text = on_text
        socket.send(frame)

    for socket in sockets:
        talk(socket)
    await asyncio.sleep(window.end - time.perf_counter())
    return result


async def page_loop(
    address: Address, cookie: str, path: str, connections: int, window: Window
) -> Result:
    result = Result(window.end - window.begin)

    async def visit() -> None:
        async with Browser(address, cookie) as browser:
            while time.perf_counter() < window.end:
                began = time.perf_counter()
                status, _body = await browser.get(path)
                now = time.perf_counter()
                if status != 200:
                    raise RuntimeError(f"{path} answers {status}")
                if now in window:
                    result.counted += 1
                    result.latencies.append(now - began)

    await asyncio.gather(*(visit() for _ in range(connections)))
    return result


async def time_of_pages(address: Address, cookie: str, path: str, count: int) -> list[float]:
    """Return the seconds of each of `count` requests, one after another."""
    seconds = []
    async with Browser(address, cookie) as browser:
        for _ in range(count):
            began = time.perf_counter()
            status, _body = await browser.get(path)
            seconds.append(time.perf_counter() - began)
            if status != 200:
                raise RuntimeError(f"{path} answers {status}")
    return seconds


async def sleep_until(due: float) -> None:
    rest = due - time.perf_counter()
    if rest > SPIN_SECONDS:
        await asyncio.sleep(rest - SPIN_SECONDS)
    while time.perf_counter() < due:  # noqa: ASYNC110  (spinning is what is wanted)
        await asyncio.sleep(0)


async def _wait_until(is_over: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + LAST_ONES_SECONDS
    while not is_over() and time.perf_counter() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
