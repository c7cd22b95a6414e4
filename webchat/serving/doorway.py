"""A doorway that takes connections from the kernel at once, and lets them in by address.

The kernel hands over connections in the order in which they came, so that one machine that opens
and cuts them as fast as it can would be ahead of everybody else. Here it waits in a queue of its
own. A client that hangs up before its request is complete costs a look, and no connection.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from heapq import nlargest
from itertools import islice
from typing import Any

from ..base.addresses import network

# Before the loop looks after others, who wait for several of its rounds:
TAKEN_AT_ONCE = 16  # from the kernel, at some 10 µs each
LOOKED_AT_ONCE = 16  # at, when they are next, at 10 µs as well; and of those …
LET_IN_AT_ONCE = 4  # … at some 300 µs
TURNED_AWAY_AT_ONCE = 16  # where there is no room, so that a flood costs a look only so often
WAIT_SECONDS = 1.0  # for the end of the first request's head; then they come in without it
SWEEP_SECONDS = 0.25
END_OF_HEAD = b"\r\n\r\n"
HEAD_BYTES = 4_096  # enough to come in, too
AGAIN_SECONDS = 0.1  # after the kernel had no descriptor for one more

LetIn = Callable[[socket.socket, bytes], Coroutine[Any, Any, object]]

logger = logging.getLogger(__name__)


class Newcomer:
    """A connection that is not let in yet, and what it has said."""

    def __init__(self, sock: socket.socket, place: Place) -> None:
        self.sock = sock
        self.place = place
        self.said = b""
        self.may_come_in = False
        self.until = 0.0  # when it may, whatever it has said

    def listen(self) -> bool | None:
        """Return whether it has asked for something; None as long as it may still do so."""
        try:
            said = self.sock.recv(HEAD_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return False
        self.said += said
        if END_OF_HEAD in self.said or len(self.said) >= HEAD_BYTES:
            return True
        return None if said else False


class Place:
    """The newcomers from one network."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: deque[Newcomer] = deque()  # the first is looked at next
        self.listened_to: dict[Newcomer, None] = {}  # the first came first

    def __len__(self) -> int:
        return len(self.queue) + len(self.listened_to)


class Doorway:
    """One listening socket. It stands in for the server that `create_server` would make."""

    def __init__(
        self,
        listener: socket.socket,
        let_in: LetIn,
        may_wait: Callable[[], int],
        may_come_from: Callable[[str], float] = lambda _place: math.inf,
        *,
        listens: bool = True,
    ) -> None:
        """Set how many may wait here, and from one network; `listens`: to what they ask."""
        self._listener = listener
        self._listens = listens
        self._let_in = let_in
        self._may_wait = may_wait
        self._may_come_from = may_come_from
        self._loop = asyncio.get_running_loop()
        self._places: dict[str, Place] = {}
        self._next: dict[Place, None] = {}  # with somebody in the queue, in turn
        self._waiting = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_called = False
        self._sweep: asyncio.TimerHandle | None = None
        self._is_open = False
        self._has_no_number = False  # the system gives none for one more connection
        self._is_closed = False
        listener.setblocking(False)
        self._open()

    def close(self) -> None:
        """Take no more; those who wait here are still let in."""
        if not self._is_closed:
            self._is_closed = True
            self._pause()
            self._listener.close()
            self._stop_listening_until(math.inf)

    async def wait_closed(self) -> None:
        await self._empty.wait()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _open(self) -> None:
        if not (self._is_closed or self._is_open or self._has_no_number):
            self._is_open = True
            self._loop.add_reader(self._listener, self._take)

    def _open_again(self) -> None:
        self._has_no_number = False
        self._open()

    def _pause(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listener)

    def _take(self) -> None:
        for _number in range(TAKEN_AT_ONCE):
            if self._waiting >= self._may_wait() and not self._turn_some_away():
                self._pause()  # until one has been let in
                break
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:  # no descriptor is left, or no memory
                logger.error("A connection could not be taken: %s", error)
                self._has_no_number = True
                self._pause()
                self._loop.call_later(AGAIN_SECONDS, self._open_again)
                break
            sock.setblocking(False)
            self._queue(sock, network(peer[0]) if isinstance(peer, tuple) else "")
        self._call()

    def _queue(self, sock: socket.socket, name: str) -> None:
        place = self._places.setdefault(name, Place(name))
        place.queue.append(Newcomer(sock, place))
        self._next[place] = None
        self._waiting += 1
        self._empty.clear()
        if place.listened_to and len(place) > self._may_come_from(name):
            oldest = next(iter(place.listened_to))
            self._stop_listening(oldest)
            self._turn_away(oldest)

    def _turn_some_away(self) -> bool:
        """Turn away some who have asked nothing, from where most came; False if there are none."""
        silent = [place for place in self._places.values() if place.listened_to]
        fullest = nlargest(TURNED_AWAY_AT_ONCE, silent, key=len)
        fullest = [place for place in fullest if 2 * len(place) > len(fullest[0])]
        for place in fullest:
            for newcomer in list(islice(place.listened_to, TURNED_AWAY_AT_ONCE // len(fullest))):
                self._stop_listening(newcomer)
                self._turn_away(newcomer)
        return bool(fullest)

    def _turn_away(self, newcomer: Newcomer) -> None:
        self._forget(newcomer)
        newcomer.sock.close()

    def _forget(self, newcomer: Newcomer) -> None:
        """Forget one that is neither in a queue nor listened to any more."""
        self._waiting -= 1
        place = newcomer.place
        if not place.queue:
            self._next.pop(place, None)
            if not place.listened_to:
                del self._places[place.name]
        if not self._waiting:
            self._empty.set()

    def _call(self) -> None:
        if self._next and not self._is_called:
            self._is_called = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._is_called = False
        let_in = 0
        for _number in range(LOOKED_AT_ONCE):
            if not self._next or let_in == LET_IN_AT_ONCE:
                break
            newcomer = self._take_next()
            asks = newcomer.may_come_in or not self._listens or newcomer.listen()
            if asks is None:
                self._listen_to(newcomer)
            elif asks:
                let_in += 1
                self._forget(newcomer)
                task = self._loop.create_task(self._bring_in(newcomer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                self._turn_away(newcomer)
        self._call()
        self._open()

    async def _bring_in(self, newcomer: Newcomer) -> None:
        try:
            await self._let_in(newcomer.sock, newcomer.said)
        except OSError as error:
            logger.warning("A connection was lost at the door: %s", error)
            newcomer.sock.close()

    def _take_next(self) -> Newcomer:
        place = next(iter(self._next))
        del self._next[place]
        newcomer = place.queue.popleft()
        if place.queue:
            self._next[place] = None  # after the others
        return newcomer

    def _listen_to(self, newcomer: Newcomer) -> None:
        # By number: given a socket, the selector makes a text of it first, at 30 µs.
        try:
            self._loop.add_reader(newcomer.sock.fileno(), self._hear, newcomer)
        except OSError:  # the system watches no more
            return self._turn_away(newcomer)
        newcomer.until = self._loop.time() + WAIT_SECONDS
        newcomer.place.listened_to[newcomer] = None
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._look_at_the_time)

    def _hear(self, newcomer: Newcomer) -> None:
        asks = newcomer.listen()
        if asks is None:
            return
        self._stop_listening(newcomer)
        if asks:
            self._queue_again(newcomer)
        else:
            self._turn_away(newcomer)

    def _stop_listening(self, newcomer: Newcomer) -> None:
        del newcomer.place.listened_to[newcomer]
        self._loop.remove_reader(newcomer.sock.fileno())

    def _queue_again(self, newcomer: Newcomer) -> None:
        newcomer.may_come_in = True
        newcomer.place.queue.append(newcomer)
        self._next[newcomer.place] = None
        self._call()

    def _look_at_the_time(self) -> None:
        self._sweep = None
        self._stop_listening_until(self._loop.time())
        if any(place.listened_to for place in self._places.values()):
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._look_at_the_time)

    def _stop_listening_until(self, when: float) -> None:
        """Let in those whose time is up, though they have asked for nothing yet."""
        for place in self._places.values():
            while (first := next(iter(place.listened_to), None)) and first.until <= when:
                self._stop_listening(first)
                self._queue_again(first)
