"""Fair shares of the request threads and of the processor, among those who ask.

One who asks for much must not make the others wait: of each client only a few requests run at
once, the rest wait on the event loop, where waiting costs nothing. Who has used more of the
processor than a share is held up until it is even again, as long as anybody else is here.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable, Hashable, Iterable, MutableMapping
from contextlib import AsyncExitStack
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings

from .addresses import network
from .middleware import proxied_address

Scope = MutableMapping[str, Any]

REFUSED_SECONDS = 0.05  # what a 429 counts as: who goes on after it is held up
DEBT_SECONDS = 10.0  # that one is held up at the most after the last request
PAUSE_AT_MOST = 2.0  # seconds that one request is held up
HERE_SECONDS = 5.0  # after a request or a frame one still counts as here
KNOWN_AT_MOST = 10_000  # sessions, and clients, that are remembered


class Share(NamedTuple):
    at_once: int  # requests in the threads
    burst: float  # seconds of processor, before …
    each_second: float  # … it is so much of one a second


OF_ACCOUNT = Share(2, 2.0, 0.2)  # a page takes some 30 ms, with its files twice that
# Without a session: a class of sixty that opens the page and logs in takes five seconds here, on a
# small machine three times as much.
OF_ADDRESS = Share(4, 15.0, 0.5)
OF_HEALTH = Share(2, math.inf, 1.0)  # asked by machines that must not stand behind anybody
HEALTH = ("/healthz", "/readyz")
STRANGERS_AT_ONCE = 4  # from however many addresses: half of the threads stay for people
WAITING_AT_MOST = 1_200  # of one client: sixty people with three tabs of six connections each

_known: dict[str, int] = {}  # the account of a session that was good
_here: dict[Hashable, float] = {}  # the last two who came, and when


def introduce(session_key: str, user_id: int) -> None:
    """Tell whose session it is: until then it counts by its address, as a made-up one does."""
    if len(_known) >= KNOWN_AT_MOST:
        _known.clear()
    _known[session_key] = user_id


def note(who: Hashable) -> None:
    """Somebody is here: an account by its number, others by their address. On the loop."""
    _here.pop(who, None)
    _here[who] = time.monotonic()
    if len(_here) > 2:
        del _here[next(iter(_here))]


def _is_anybody_else_here(who: Hashable) -> bool:
    since = time.monotonic() - HERE_SECONDS
    return any(at > since for other, at in _here.items() if other != who)


class TooMany(Exception):  # noqa: N818  (it becomes an answer)
    """So many requests of one client wait already."""


class Turns:
    """The queue of one process; all of it lives on the event loop."""

    def __init__(self) -> None:
        self._clients: dict[Hashable, Client] = {}
        self._strangers = asyncio.Semaphore(STRANGERS_AT_ONCE)

    async def take(self, scope: Scope) -> Client:
        """Wait for one's turn, which ends with `leave`. Raises TooMany."""
        who = who_asks(scope)
        client = self._client(who)
        if client.waiting >= WAITING_AT_MOST:
            raise TooMany
        if client.share is not OF_HEALTH:
            note(who)
        client.waiting += 1
        try:
            await client.enter(lambda: _is_anybody_else_here(who))
        finally:
            client.waiting -= 1
        return client

    def _client(self, who: Hashable) -> Client:
        client = self._clients.get(who)
        if client is None:
            if len(self._clients) >= KNOWN_AT_MOST:
                self._clients = {k: each for k, each in self._clients.items() if not each.is_idle}
            client = self._clients[who] = self._make(who)
        return client

    def _make(self, who: Hashable) -> Client:
        if who in HEALTH:
            return Client(OF_HEALTH)
        return Client(OF_ACCOUNT) if isinstance(who, int) else Client(OF_ADDRESS, self._strangers)


class Client:
    """An account, or those without a session behind one address."""

    def __init__(self, share: Share, shared_room: asyncio.Semaphore | None = None) -> None:
        self.room = asyncio.Semaphore(share.at_once)
        self.share = share
        self.waiting = 0
        self.shared_room = shared_room
        self._even_at = 0.0  # when what was used is within the share again, the burst aside

    @property
    def is_idle(self) -> bool:
        return self._even_at < time.monotonic() and self.room._value == self.share.at_once

    async def enter(self, is_held_up: Callable[[], bool]) -> None:
        """Wait for room, and for as long as too much was used while `is_held_up`."""
        async with AsyncExitStack() as on_error:
            await self.room.acquire()
            on_error.callback(self.room.release)
            while (pause := self.pause()) and is_held_up():
                await asyncio.sleep(pause)
                if pause == PAUSE_AT_MOST:
                    break
            if self.shared_room is not None:
                await self.shared_room.acquire()
            on_error.pop_all()

    def pause(self) -> float:
        """Seconds until what was used is within the share; at most PAUSE_AT_MOST."""
        burst = self.share.burst / self.share.each_second
        return min(max(self._even_at - time.monotonic() - burst, 0.0), PAUSE_AT_MOST)

    def leave(self, used: float) -> None:
        """The turn is over; it took so many seconds of processor."""
        self.room.release()
        if self.shared_room is not None:
            self.shared_room.release()
        self.pay(used)

    def pay(self, used: float) -> None:
        now = time.monotonic()
        even_at = max(self._even_at, now) + used / self.share.each_second
        # What was used while nobody else was here is not held against them for long.
        most = self.share.burst / self.share.each_second + DEBT_SECONDS
        self._even_at = min(even_at, now + most)


def who_asks(scope: Scope) -> Hashable:
    """The account of a known session, else where the request comes from."""
    if scope.get("path") in HEALTH:
        return scope["path"]
    cookies = _header(scope["headers"], b"cookie")
    match = _session_cookie().search(cookies) if cookies else None
    if match and (user_id := _known.get(match[1])) is not None:
        return user_id
    return network(address_of(scope))


def address_of(scope: Scope) -> str:
    """The address of the person's device, as ProxyMiddleware has it for requests."""
    peer: str = (scope.get("client") or ("",))[0]
    return proxied_address(peer, scope["headers"]) or peer


@cache
def _session_cookie() -> re.Pattern[str]:
    return re.compile(rf"(?:^|;\s*){re.escape(settings.SESSION_COOKIE_NAME)}=(\w{{1,64}})")


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")
