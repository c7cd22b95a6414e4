"""The people of a lesson, as their browsers behave: they log in, look around, and come back."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from client import Address, Answer, Browser, WebSocket, open_websocket

PASSWORD = "blaue-Wolke-7"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
# Files come from the browser's own store, as on any day but the first.
LINES = f"Accept-Encoding: gzip\r\nAccept-Language: zh-CN\r\nUser-Agent: {AGENT}\r\n"
GIVE_UP_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # static/js/live/backoff.js
SPREAD = re.compile(rb"spread=([\d.]+)")  # in the reason of a close


@dataclass(slots=True)
class Times:
    """The seconds that each kind of request took."""

    pages: list[float] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)
    sockets: list[float] = field(default_factory=list)  # until caught up

    @property
    def everything(self) -> list[float]:
        return self.pages + self.logins


class Student:
    """Somebody who comes in, with a browser that has been here before."""

    def __init__(self, address: Address, username: str, friend: str, times: Times) -> None:
        self._address = address
        self._username = username
        self._friend = friend
        self._times = times
        self._jar: dict[str, str] = {}
        self.socket: WebSocket | None = None

    async def come_in(self) -> None:
        """Log in, and load the list, a conversation and the contacts, one after the other."""
        async with Browser(self._address) as browser:
            await self._load(browser, "/login/")
            await self._log_in(browser)
            await self._load(browser, "/")
            behind = asyncio.create_task(self._settle())
            await self._load(browser, f"/chat/{self._friend}/")
            await self._load(browser, "/contacts/")
            await behind

    async def _settle(self) -> None:
        """Do what the script does once the first page has loaded."""
        began = time.perf_counter()
        self.socket = await _open_caught_up(self._address, self._cookie)
        self._times.sockets.append(time.perf_counter() - began)
        async with Browser(self._address) as browser:
            await self._load(browser, "/api/online/")

    async def _load(self, browser: Browser, path: str) -> None:
        began = time.perf_counter()
        answer = await browser.ask("GET", path, self._cookie, lines=LINES)
        self._times.pages.append(time.perf_counter() - began)
        self._keep(answer, path, 200)

    async def _log_in(self, browser: Browser) -> None:
        [token] = [value for name, value in self._jar.items() if name.endswith("csrftoken")]
        fields = {
            "csrfmiddlewaretoken": token,
            "username": self._username,
            "password": PASSWORD,
            "shared": "on",
        }
        began = time.perf_counter()
        form = urlencode(fields).encode()
        answer = await browser.ask("POST", "/login/", self._cookie, form, LINES)
        self._times.logins.append(time.perf_counter() - began)
        self._keep(answer, "/login/", 302)

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._jar.items())

    def _keep(self, answer: Answer, path: str, status: int) -> None:
        if answer.status != status:
            raise RuntimeError(f"{path} answers {answer.status}")
        for line in re.findall(rb"(?i)\r\nset-cookie: ([^;\r]*)", answer.head):
            name, _equals, value = line.decode().partition("=")
            self._jar[name] = value


async def _open_caught_up(address: Address, cookie: str, cursor: str = "") -> WebSocket:
    caught_up = asyncio.get_running_loop().create_future()

    def on_text(text: bytes) -> None:
        if b'"caught_up"' in text and not caught_up.done():
            caught_up.set_result(None)

    path = f"/live/?after={cursor}" if cursor else "/live/"
    socket = await open_websocket(address, path, cookie, on_text)
    await asyncio.wait_for(caught_up, GIVE_UP_SECONDS)
    return socket


class Tab:
    """A page that stays open: its socket comes back as static/js/live/socket.js brings it back."""

    def __init__(self, address: Address, cookie: str, told: Callable[[Tab], None]) -> None:
        self._address = address
        self._cookie = cookie
        self._told = told
        self._spread = 0.0  # seconds, as the server has told last
        self._cursor = ""
        self._attempts = 0
        self._socket: WebSocket | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self._open())
        return self._task

    async def _open(self) -> None:
        while True:
            try:
                await self._try()
            except (OSError, TimeoutError):
                await asyncio.sleep(self._pause())
            else:
                self._attempts = 0
                return self._told(self)

    async def _try(self) -> None:
        caught_up = asyncio.get_running_loop().create_future()

        def on_text(text: bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "hello":
                self._cursor = str(frame["last_event"])
                self._spread = frame.get("spread", 0.0)
            elif frame["type"] == "caught_up" and not caught_up.done():
                caught_up.set_result(None)

        def on_close() -> None:
            if not caught_up.done():
                caught_up.set_exception(ConnectionError("closed"))

        path = f"/live/?after={self._cursor}" if self._cursor else "/live/"
        socket = await open_websocket(self._address, path, self._cookie, on_text)
        socket.on_close = on_close
        if socket.closed:  # while it was opened
            on_close()
        await asyncio.wait_for(caught_up, GIVE_UP_SECONDS)
        self._socket = socket
        socket.on_close = self._come_back
        if socket.closed:
            raise ConnectionError("closed")

    def _come_back(self) -> None:
        if self._socket is not None and (found := SPREAD.search(self._socket.goodbye)):
            self._spread = float(found[1])
        self._task = asyncio.create_task(self._wait_and_open())

    async def _wait_and_open(self) -> None:
        await asyncio.sleep(self._pause())
        await self._open()

    def _pause(self) -> float:
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._attempts)
        self._attempts += 1
        return random.uniform(ceiling / 2, max(ceiling, self._spread))

    def leave(self) -> None:
        if self._socket is not None:
            self._socket.on_close = lambda: None
            self._socket.cut()
        if self._task is not None:
            self._task.cancel()


@dataclass(slots=True)
class Probe:
    """Pages that some people ask for in turn, on a schedule, each over a connection of its own."""

    address: Address
    visits: Sequence[tuple[str, str]]  # a path, and the cookie of who goes there
    per_second: float
    loaded: list[tuple[float, float]] = field(default_factory=list)  # when it was due, seconds
    failed: int = 0
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Ask until this is cancelled."""
        due, count = time.perf_counter(), 0
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(self._ask(*self.visits[count % len(self.visits)], due))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            due, count = due + 1 / self.per_second, count + 1

    async def _ask(self, path: str, cookie: str, due: float) -> None:
        try:
            async with Browser(self.address) as browser:
                answer = await browser.ask("GET", path, cookie, lines=LINES)
        except (OSError, EOFError):
            self.failed += 1
            return
        if answer.status == 200:
            self.loaded.append((due, time.perf_counter() - due))
        else:
            self.failed += 1

    async def last_ones(self) -> None:
        await asyncio.gather(*self._under_way)
