"""The things that all sockets of a process share: writer, feed, threads, neighbours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import User
from webchat.database import costs
from webchat.serving.turns import Turns

from . import frames, typing
from .batches import Result
from .feed import Feed
from .frames import RESTART, SESSION_ENDED, TOO_MANY
from .housekeeping import Housekeeping, every
from .hub import Hub, Listener
from .neighbours import Neighbours
from .outbox import Outbox
from .returning import Returning
from .visitors import find_ended
from .writer import Writer

READER_THREADS = 2  # handshakes, replays and read marks; each keeps a database connection
SWEEP_SECONDS = 2.0  # how soon a logout ends its sockets; the promise is 5
LOOP_SHARE = 1.0  # the loop's processor time for a socket's query, relative to the query's own
NEWS = b"news"  # to other workers: look at the log
DRAIN_SECONDS = 2.0  # on a stop, for the work in `keep`


class Engine:
    """Runs the live half of a worker, on its event loop and with its `turns`."""

    def __init__(self, turns: Turns) -> None:
        self.hub = Hub()
        self.outbox = Outbox()
        self.returning = Returning(self.hub)
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._readers = ThreadPoolExecutor(READER_THREADS, "live-reader")
        self.feed = Feed(self.hub, self._readers, lambda: self.writer.is_busy)
        self.writer = Writer(self._loop, self._written, turns, self.outbox)
        self._neighbours = Neighbours(settings.DATA_DIR / "workers", self._hear)
        self._housekeeping = Housekeeping(self.hub, self.in_thread)
        self._tasks: list[asyncio.Task[None]] = []
        self._kept: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.in_thread(self.returning.remember)
        await self.feed.start()
        self.writer.start()
        self._neighbours.start()
        sweep = every(SWEEP_SECONDS, self._end_sessions, "Sessions could not be checked")
        self._tasks = [
            asyncio.create_task(sweep, name="live-sweep"),
            *self._housekeeping.start(),
        ]

    def admit(self, socket: Listener) -> int | None:
        """Take a socket in, or return the code to close it with."""
        if self._ending is not None:
            return RESTART
        return None if self.hub.add(socket) else TOO_MANY

    def begin_stop(self) -> None:
        """Close the sockets, once their last drafts are answered; new ones are closed at once."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end_sockets(), name="live-end")

    async def stop(self) -> None:
        self.begin_stop()
        if self._ending is not None:
            await self._ending
        for task in self._tasks:
            task.cancel()
        if self._kept:
            await asyncio.wait(self._kept, timeout=DRAIN_SECONDS)
        await self.feed.stop()
        self._neighbours.stop()
        for _thread in range(READER_THREADS):
            self._readers.submit(connection.close)
        self._readers.shutdown(wait=False)

    async def _end_sockets(self) -> None:
        await self._loop.run_in_executor(None, self.writer.stop)
        self.returning.end()
        for socket in list(self.hub):
            socket.close(RESTART)

    async def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function that queries the database: the loop itself never waits for a disk."""
        return await self._loop.run_in_executor(self._readers, function, *args)

    async def in_turn(self, user_id: int, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function in a turn of the person who asks, and charge them. Raises TooMany."""
        turn = await self._turns.take(user_id)

        def run() -> Any:
            began, computed = costs.spent(), time.thread_time()
            try:
                return function(*args)
            finally:
                of_the_loop = LOOP_SHARE * (time.thread_time() - computed)
                used = costs.spent() - began + of_the_loop
                self._loop.call_soon_threadsafe(turn.leave, used)

        # A caller that is cancelled does not free a turn that still runs.
        task = asyncio.create_task(self.in_thread(run))
        task.add_done_callback(_look_at_error)
        return await asyncio.shield(task)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Finish some work, whatever becomes of the socket that asked for it."""
        task = asyncio.create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def note_typing(self, user: User, username: str) -> None:
        if note := await self.in_thread(typing.note_to, user, username):
            self._tell_typing(note)
            await self.in_thread(self._neighbours.tell, note.as_word())

    def look(self) -> None:
        """Deliver what a request may have written, here and in the other workers."""
        self.feed.look()
        self._housekeeping.count(1)
        self._neighbours.tell(NEWS)  # though there was none to find: a look between has seen it

    def _written(self, results: Sequence[Result]) -> None:
        if self.feed.written(results):
            self._housekeeping.count(len(results))
            self._neighbours.tell(NEWS)

    def _hear(self, word: bytes) -> None:
        if word == NEWS:
            self.feed.look()
        elif note := typing.parse(word):
            self._tell_typing(note)

    def _tell_typing(self, note: typing.Note) -> None:
        self.hub.tell(note.recipient_id, frames.typing(note.sender))

    async def _end_sessions(self) -> None:
        """End the sockets of sessions that have ended."""
        sockets = {socket.visitor: socket for socket in self.hub}
        for visitor in await self.in_thread(find_ended, list(sockets)):
            sockets[visitor].close(SESSION_ENDED)


def _look_at_error(task: asyncio.Task[Any]) -> None:
    """Retrieve an error that nobody awaits any more, or asyncio would log it."""
    if not task.cancelled():
        task.exception()
