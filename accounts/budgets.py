"""Budgets for what comes often: how much is allowed in a while, kept in memory only.

`limits` counts in the database, which syncs the disk each time: right for a log-in, but for a
search or a pin that would be a flood itself. A budget belongs to one process: with several workers
(see WEB_CONCURRENCY) the sum is that many times as large, and a restart refills them all.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager

from webchat.base.addresses import networks

from .limits import WIDER, refusal

KEYS_AT_MOST = 10_000  # of one budget; beyond them those who owe the least are forgotten
ROUNDING = 1e-6  # seconds: a hundred tenths are not quite ten


class Budget:
    """A budget of `most` units at once, which come back evenly within `seconds`.

    One number is kept for each `who`: the moment at which theirs is full again (the generic cell
    rate algorithm, ITU-T I.371).
    """

    def __init__(self, most: float, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._full_at: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def take(self, who: Hashable, cost: float = 1) -> None:
        """Use some of it. Raises ValidationError("rate_limited"), and then uses nothing."""
        if wait := self.try_take(who, cost):
            raise refusal(math.ceil(wait))

    def try_take(self, who: Hashable, cost: float = 1) -> float:
        """Like `take`, but return the seconds until it may be tried again; 0.0 when taken."""
        with self._lock:
            now = time.monotonic()
            full_at = self._after(who, cost, now)
            wait = full_at - now - self.seconds
            if wait > ROUNDING:
                return wait
            self._keep(who, full_at)
            return 0.0

    def charge(self, who: Hashable, cost: float) -> None:
        """Charge for what was used already, whether or not there is that much left."""
        with self._lock:
            self._keep(who, self._after(who, cost, time.monotonic()))

    @contextmanager
    def timed(self, who: Hashable) -> Iterator[None]:
        """Charge the processor seconds that the block takes. Raises as `take` does."""
        self.take(who, cost=0)
        began = time.thread_time()
        try:
            yield
        finally:
            self.charge(who, time.thread_time() - began)

    def forget(self) -> None:
        self._full_at.clear()

    def _after(self, who: Hashable, cost: float, now: float) -> float:
        return max(self._full_at.get(who, now), now) + cost * self.seconds / self.most

    def _keep(self, who: Hashable, full_at: float) -> None:
        self._full_at[who] = full_at
        if len(self._full_at) > KEYS_AT_MOST:
            by_debt = sorted(self._full_at.items(), key=lambda item: item[1])
            self._full_at = dict(by_debt[KEYS_AT_MOST // 2 :])


class AddressBudget:
    """A budget per address: in IPv6 the /64 has one, and its /48 another, WIDER times as large.

    An address that says nothing (this machine, a unix socket) has none: behind a proxy that does
    not tell who its clients are, it is everybody.
    """

    def __init__(self, most: float, seconds: float) -> None:
        self._each = Budget(most, seconds), Budget(most * WIDER, seconds)

    def take(self, address: str, cost: float = 1) -> None:
        for budget, network in zip(self._each, networks(address), strict=False):
            budget.take(network, cost)

    def charge(self, address: str, cost: float) -> None:
        for budget, network in zip(self._each, networks(address), strict=False):
            budget.charge(network, cost)

    def forget(self) -> None:
        for budget in self._each:
            budget.forget()


# Every request but sending (SEND_RATE): more than anybody with ten tabs makes.
REQUESTS = Budget(5_000, 10)
REQUESTS_BY_ADDRESS = AddressBudget(5_000, 10)  # without a session: a class that loads the page
# POSTs other than messages: each may write, and sync the disk.
WRITES = Budget(200, 10)
WRITES_BY_ADDRESS = AddressBudget(300, 10)  # a class of sixty that logs in, some wrongly at first
PIECES = Budget(500, 10)  # of files: 37 MB in a second, at the size that is asked for
# Socket frames other than sends: a page pings twice a minute, and reports what is read.
FRAMES = Budget(1_000, 10)
HANDSHAKES = Budget(300, 60)  # sockets opened: ten tabs that reload as fast as they can
HANDSHAKES_BY_ADDRESS = AddressBudget(600, 60)  # with a session that has ended, or none
TYPING = Budget(10, 10)  # typing notes, to anybody; a page sends one in two seconds
SEARCHING = Budget(5, 30)  # processor seconds: a hundred of the usual searches
NAME_CHECKS = AddressBudget(600, 600)  # a form asks at each pause in typing
READINGS = Budget(10, 200)  # names read at once: each starts a process; later ones wait a minute
EXPORTS = Budget(5, 3600)  # each reads everything


def forget_all() -> None:
    """Forget everything, as after a restart; for tests."""
    budgets: Iterable[object] = globals().values()
    for budget in budgets:
        if isinstance(budget, (Budget, AddressBudget)):
            budget.forget()
