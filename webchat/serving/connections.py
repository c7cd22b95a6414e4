"""A bound on the connections of one worker, and the choice of those that go to make room.

Each open connection and each file being sent takes one of the descriptors that the process
may have open; the database needs some, too. So there is a cap below that limit, and before it is
passed somebody we do not know makes room. A connection belongs to a person from the first
answer to a valid session on; until then it is counted for its address.
"""

from __future__ import annotations

import ipaddress
import logging
import math
from collections.abc import Callable, Iterator
from functools import lru_cache

from ..base.addresses import network

# Sixty people behind one address, three tabs each, six connections a browser make 1,080.
OF_ONE_ADDRESS = 1_200
# Three devices with six connections each and ten live sockets make 28.
OF_ONE_PERSON = 64
# An idle one takes some 20 KB of memory: as many as a small machine can spare.
OF_ONE_WORKER = 8_000
# For the database (three files a thread), listening sockets, files being opened, child processes,
# and what the kernel has handed over before it was counted.
RESERVED = 160
# A request takes a thread milliseconds, and a fifth of this while others write.
BUSY_SECONDS = 10
AT_ONCE = 32  # closed together, so that a flood costs a look at everybody only so often

logger = logging.getLogger(__name__)

Owner = int | str  # a person's id; an address, "" for a socket without one


class Connection:
    """One connection, with what is needed to count who holds how many."""

    def __init__(self, connections: Connections, address: str) -> None:
        self._connections = connections
        self.owner: Owner = network(address)
        self.quiet_since = connections.clock()  # since a request began or ended
        self.is_kept = False  # a live socket, or a download: never closed to make room
        self.files = 0

    @property
    def is_anonymous(self) -> bool:
        return isinstance(self.owner, str)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request."""
        raise NotImplementedError

    @property
    def has_gone(self) -> bool:
        """Whether its other side has closed it."""
        raise NotImplementedError

    def taken(self) -> int | None:
        """Return how many bytes its other side has acknowledged; None if nobody can tell."""
        return None

    def drop(self) -> None:
        """Close it at once, whatever it is doing."""
        raise NotImplementedError

    def begin_long_answer(self, *, is_kept: bool) -> None:
        """Watch how its reader takes an answer; `is_kept`: it may pause, and makes no room."""
        self.is_kept = is_kept

    async def end_long_answer(self) -> None:
        """Wait until the reader has taken all of it."""
        self.is_kept = False

    def belongs_to(self, owner: Owner) -> None:
        if owner != self.owner:
            self._connections.move(self, owner)

    def hold_file(self) -> bool:
        """Count a file that is open for it; False when there is no room for one."""
        if not self._connections.has_room(for_one=self):
            return False
        self.files += 1
        self._connections.files += 1
        return True

    def release_file(self) -> None:
        self.files -= 1
        self._connections.files -= 1


class Connections:
    """All connections of one worker."""

    def __init__(self, at_most: int, clock: Callable[[], float]) -> None:
        self.at_most = at_most
        self.clock = clock
        self.files = 0
        self._count = 0
        self._of: dict[Owner, set[Connection]] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter([one for some in self._of.values() for one in some])

    def __len__(self) -> int:
        return self._count

    def add(self, connection: Connection) -> bool:
        """Take it in; False when there is no room and nobody who could make some."""
        owner = connection.owner
        if self._is_full(owner) and not self._close_some(owner):
            return False
        if not self.has_room():
            return False
        self._of.setdefault(owner, set()).add(connection)
        self._count += 1
        return True

    def remove(self, connection: Connection) -> None:
        some = self._of.get(connection.owner, set())
        if connection in some:
            some.remove(connection)
            self._count -= 1
        if not some:
            self._of.pop(connection.owner, None)

    def move(self, connection: Connection, owner: Owner) -> None:
        """Give it to another owner; if they then have one too many, an older one goes."""
        is_here = connection in self._of.get(connection.owner, ())
        self.remove(connection)
        connection.owner = owner
        if not is_here:
            return
        if self._is_full(owner):
            self._close_some(owner)
        self._of.setdefault(owner, set()).add(connection)
        self._count += 1

    def _is_full(self, owner: Owner) -> bool:
        return len(self._of.get(owner, ())) >= _most(owner)

    def has_room(self, for_one: Connection | None = None) -> bool:
        """Return whether there is room for one more; strangers are closed for it if need be."""
        if self._count + self.files < self.at_most:
            return True
        logger.warning("All %d connections are taken: strangers make room", self.at_most)
        strangers = [owner for owner in self._of if isinstance(owner, str)]
        strangers.sort(key=lambda owner: len(self._of[owner]), reverse=True)
        return any(self._close_some(owner, but=for_one) for owner in strangers)

    def may_wait(self) -> int:
        """Return how many may be open that are not counted yet."""
        return max(self.at_most - self._count - self.files, RESERVED // 4)

    def may_come_from(self, place: str) -> float:
        """Return how many more strangers of one network fit beside those who are in."""
        return max(_most(place) - len(self._of.get(place, ())), 1)

    def _close_some(self, owner: Owner, but: Connection | None = None) -> bool:
        """Close those of one owner that have been quiet the longest; False if there are none."""
        found = [one for one in self._of.get(owner, ()) if not one.is_kept and one is not but]
        too_long = self.clock() - BUSY_SECONDS
        going = [one for one in found if one.is_idle]
        going = going or [one for one in found if one.quiet_since < too_long]
        going.sort(key=lambda one: one.quiet_since)
        going = going[: min(AT_ONCE, len(going) // 8 + 1)]
        for connection in going:
            self.remove(connection)
            connection.drop()
        return bool(going)


def _most(owner: Owner) -> float:
    if isinstance(owner, int):
        return OF_ONE_PERSON
    return OF_ONE_ADDRESS if _is_telling(owner) else math.inf


@lru_cache(maxsize=4096)
def _is_telling(address: str) -> bool:
    """Return whether an address says who it is: this machine's is any careless proxy's."""
    try:
        return not ipaddress.ip_network(address).is_loopback
    except ValueError:
        return False
