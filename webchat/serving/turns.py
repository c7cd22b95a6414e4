"""Turns that share the request threads, the processor and the disk fairly among clients.

A client that asks for much must not make the others wait: only a few requests of each run at
once, the rest wait on the event loop, where waiting costs nothing. Those who ask for little go
first: the requests of those who have used much lately run one by one, and begin at a moment
when no other runs. Clients that have used more than their share are held up until it is even
again. Both apply only while anybody else is here.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Hashable, Iterable, MutableMapping
from contextlib import ExitStack, suppress
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings

from ..base.addresses import network
from ..cookies import OLD_NAMES
from ..middleware import proxied_address

Scope = MutableMapping[str, Any]

# The loop's own work for a request, which no thread can measure, and for its bytes.
REQUEST_SECONDS = 0.001
BYTES_A_SECOND = 400_000_000
REFUSED_SECONDS = 0.05  # the cost of a 429: those who go on after it are held up
DEBT_SECONDS = 10.0  # the most that one is held up after the last request
PAUSE_AT_MOST = 2.0  # seconds that one request is held up
USUAL_OF = 10  # requests
HERE_SECONDS = 5.0  # that one counts as here after a request or a frame
KNOWN_AT_MOST = 10_000  # sessions, and clients, that are remembered


class Share(NamedTuple):
    """A client's share. Seconds are of processor and disk; recent ones count, less what is free."""

    at_once: int  # requests in the threads
    light: float  # seconds up to which one goes before those with more
    burst: float  # seconds before one is held up
    each_second: float  # seconds that are free


OF_ACCOUNT = Share(2, 0.5, 2.0, 0.2)  # a page takes some 30 ms, with its files twice that
# Without a session: a class of sixty that opens the page and mistypes its passwords takes five
# seconds here, on a small machine three times as much. A log-in that succeeds is the person's.
OF_ADDRESS = Share(4, 0.5, 15.0, 0.2)
OF_HEALTH = Share(2, 0.2, math.inf, 0.1)  # asked by machines: they never wait behind pages
HEALTH = ("/healthz", "/readyz")
STRANGERS_AT_ONCE = 4  # from however many addresses: half of the threads stay for people
STEP_BACK_SECONDS = 0.01  # that one who has used much waits for the next piece of a long body
# For a moment without the others, one who has used much waits this many times as long as its
# requests usually take, and no longer than:
LULL_TIMES = 5
LULL_SECONDS = 0.1
ONE_BY_ONE_SECONDS = 2.0  # for those before it, of which one may wait for the disk
WAITING_AT_MOST = 1_200  # of one client: sixty people with three tabs of six connections each

_known: dict[str, int] = {}  # the account of a session that was valid
_here: dict[Hashable, float] = {}  # the last two who came, and when


def introduce(session_key: str, user_id: int) -> None:
    """Note whose session it is: until then it counts by its address, as a made-up one does."""
    if len(_known) >= KNOWN_AT_MOST:
        _known.clear()
    _known[session_key] = user_id


def forget(session_key: str) -> None:
    """Forget a session that belongs to nobody any more."""
    _known.pop(session_key, None)


def note(who: Hashable) -> None:
    """Note that somebody is here: an account, or an address without one. Runs on the loop."""
    _here.pop(who, None)
    _here[who] = time.monotonic()
    if len(_here) > 2:
        del _here[next(iter(_here))]


def _is_anybody_else_here(who: Hashable) -> bool:
    since = time.monotonic() - HERE_SECONDS
    return any(at > since for other, at in _here.items() if other != who)


class TooMany(Exception):  # noqa: N818  (it becomes an answer)
    """A refusal: too many requests of one client wait already."""


class Turns:
    """The queue of one process; all of it lives on the event loop."""

    def __init__(self) -> None:
        self._clients: dict[Hashable, Client] = {}
        self._strangers = asyncio.Semaphore(STRANGERS_AT_ONCE)
        # A stranger may hold it while waiting for others of them, so people have their own.
        self._one_stranger, self._one_person = asyncio.Semaphore(1), asyncio.Semaphore(1)
        self._light = 0  # turns of those who have used little
        self._lull = asyncio.Event()  # set while there are none of them
        self._lull.set()

    async def take(self, who: Hashable) -> Turn:
        """Wait for a turn of the client that `who_asks` found. Raises TooMany."""
        client = self._client(who)
        if client.waiting >= WAITING_AT_MOST:
            raise TooMany
        if client.share is not OF_HEALTH:
            note(who)
        return Turn(self, client, await self._wait(client, who))

    def payer(self, client: Client, who: Hashable) -> Client:
        """Return who pays for a turn that has turned out to be somebody's, as a log-in has.

        It is they, so that a class that logs in makes its address no heavy user; but one account
        that logs in again and again leaves the rest to the address.
        """
        if who is None:
            return client
        account = self._client(who)
        return client if account.is_heavy else account

    def step_back(self, who: Hashable, used: float) -> float:
        """Make a client without a turn pay for what the loop did; return how long it has to wait.

        That is no time for one who has used little.
        """
        client = self._client(who)
        client.pay(used)
        steps_back = client.is_heavy and _is_anybody_else_here(who)
        return STEP_BACK_SECONDS if steps_back else 0.0

    async def _wait(self, client: Client, who: Hashable) -> ExitStack:
        """Wait for a client's turn; return what has to be given back."""
        with ExitStack() as held:
            client.waiting += 1
            try:
                await _hold(client.room, held)
            finally:
                client.waiting -= 1
            while (pause := client.pause()) and client.is_crowding and _is_anybody_else_here(who):
                await asyncio.sleep(pause)
                if pause == PAUSE_AT_MOST:
                    break
            steps_back = client.is_heavy and _is_anybody_else_here(who)
            if steps_back and client.lane is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(ONE_BY_ONE_SECONDS):
                        await _hold(client.lane, held)
            if client.shared_room is not None:
                await _hold(client.shared_room, held)
            if steps_back:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(LULL_SECONDS, LULL_TIMES * client.usual)):
                        await self._lull.wait()
            elif not client.is_heavy:
                self.begin_light()
                held.callback(self.end_light)
            return held.pop_all()

    def begin_light(self) -> None:
        """Begin something that those who have used much must not make slower."""
        self._light += 1
        self._lull.clear()

    def end_light(self) -> None:
        self._light -= 1
        if not self._light:
            self._lull.set()

    def _client(self, who: Hashable) -> Client:
        client = self._clients.get(who)
        if client is None:
            if len(self._clients) >= KNOWN_AT_MOST:
                self._clients = {k: each for k, each in self._clients.items() if not each.is_idle}
            client = self._clients[who] = self._make(who)
        return client

    def _make(self, who: Hashable) -> Client:
        if isinstance(who, Health):
            return Client(OF_HEALTH)
        if isinstance(who, int):
            return Client(OF_ACCOUNT, self._one_person)
        return Client(OF_ADDRESS, self._one_stranger, self._strangers)


async def _hold(room: asyncio.Semaphore, held: ExitStack) -> None:
    await room.acquire()
    held.callback(room.release)


class Client:
    """An account, or those without a session behind one address.

    `lane` lets those who have used much go one by one, `shared_room` a few strangers at once.
    """

    def __init__(
        self,
        share: Share,
        lane: asyncio.Semaphore | None = None,
        shared_room: asyncio.Semaphore | None = None,
    ) -> None:
        self.room = asyncio.Semaphore(share.at_once)
        self.share = share
        self.waiting = 0  # requests for the room
        self.lane = lane
        self.shared_room = shared_room
        self.usual = 0.0  # seconds that its recent requests have cost each
        self._even_at = 0.0  # when all that was used is free again

    @property
    def is_idle(self) -> bool:
        return self._even_at < time.monotonic() and self.room._value == self.share.at_once

    @property
    def is_heavy(self) -> bool:
        return self._beyond(self.share.light) > 0

    @property
    def is_crowding(self) -> bool:
        """Whether it wants more than one thing at once: one at a time is slow enough by itself."""
        return self.waiting + self.share.at_once - self.room._value > 1

    def pause(self) -> float:
        """Return the seconds until no more than a burst is used; at most PAUSE_AT_MOST."""
        return min(max(self._beyond(self.share.burst), 0.0), PAUSE_AT_MOST)

    def _beyond(self, used: float) -> float:
        """Return the seconds until no more than that is used; negative when it is less."""
        return self._even_at - time.monotonic() - used / self.share.each_second

    def pay(self, used: float) -> None:
        now = time.monotonic()
        even_at = max(self._even_at, now) + used / self.share.each_second
        # A client that used much while nobody else was here is not held up for it for long.
        bound = self.share.burst if math.isfinite(self.share.burst) else self.share.light
        self._even_at = min(even_at, now + bound / self.share.each_second + DEBT_SECONDS)


class Turn:
    """The place of one request among those that run."""

    def __init__(self, turns: Turns, client: Client, held: ExitStack) -> None:
        self.client = client
        self._turns = turns
        self._held = held

    def leave(self, used: float, who: Hashable = None) -> None:
        """End the turn, which took that many seconds of processor and disk, and was `who`'s."""
        self._held.close()
        self.client.usual += (used - self.client.usual) / USUAL_OF
        self.pay(used, who)

    def pay(self, used: float, who: Hashable = None) -> None:
        """Pay for what the loop does for `who`, also after the turn."""
        self._turns.payer(self.client, who).pay(used)


class Health(NamedTuple):
    """The health checks from one network."""

    network: str


def who_asks(scope: Scope) -> Hashable:
    """Return the account of a known session, else where the request comes from."""
    if scope.get("path") in HEALTH:
        return Health(network(address_of(scope)))
    cookies = _header(scope["headers"], b"cookie")
    for pattern in _session_cookies() if cookies else ():
        match = pattern.search(cookies)
        if match and (user_id := _known.get(match[1])) is not None:
            return user_id
    return network(address_of(scope))


def address_of(scope: Scope) -> str:
    """Return the address of the person's device, as ProxyMiddleware has it for requests."""
    peer: str = (scope.get("client") or ("",))[0]
    return proxied_address(peer, scope["headers"]) or peer


@cache
def _session_cookies() -> list[re.Pattern[str]]:
    names = (settings.SESSION_COOKIE_NAME, OLD_NAMES["SESSION_COOKIE_NAME"])
    return [re.compile(rf"(?:^|;\s*){re.escape(name)}=(\w{{1,64}})") for name in names]


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")
