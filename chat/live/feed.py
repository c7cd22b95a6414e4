"""Delivery of the event log to the sockets of this process, in the order of its ids."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from chat.log import reading
from chat.marking import Marked
from chat.models import EventLog
from chat.models.events import BOUNDS
from chat.sending.posting import Posted
from webchat.database.trouble import DriverError
from webchat.database.watching import Watch

from . import frames, news
from .batches import Result
from .hub import Hub
from .news import News

# How long a commit may go unseen of which nobody tells: of a command, say. Pages and the other
# workers tell of theirs.
LOOK_SECONDS = 0.2
AGAIN_SECONDS = 0.05  # for the writer to deliver first
TROUBLE_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Feed:
    """Delivers what is new in the log: each event once to each socket.

    What this process's writer has committed is delivered from memory; everything else (HTTP,
    other workers, the admin, `manage.py`) is read from the log, before the writer's next
    batch or when the database says that it has changed.
    """

    def __init__(self, hub: Hub, readers: Executor, is_writing: Callable[[], bool]) -> None:
        self._hub = hub
        self._readers = readers
        self._is_writing = is_writing
        self._loop = asyncio.get_running_loop()
        self._delivered_through = 0
        self._told_lately = False
        self._watched: Watch | None = None
        self._version: int | None = None
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._delivered_through = await self._in_thread(EventLog.objects.head)
        self._tasks = [
            asyncio.create_task(self._watch(), name="feed-watch"),
            asyncio.create_task(self._pump(), name="feed-pump"),
        ]

    def missed_after(self, after: int | None) -> reading.Missed | None:
        """Return what somebody has missed if it is nothing, else None: then the log tells.

        For one who is in the hub already: what comes from now on is delivered.
        """
        try:
            if self._watched is None:
                self._watched = Watch()
            head = max(self._watched.ask(BOUNDS))  # some µs, as in `look`
        except DriverError:
            return None
        if after not in (None, head):
            return None
        return reading.Missed([], head, more=False, head=head)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def written(self, results: Sequence[Result]) -> bool:
        """Deliver what the writer has just committed, after what others wrote before it.

        Returns whether there is any.
        """
        written = {
            result.event_id: result
            for result in results
            if isinstance(result, Posted | Marked) and result.event_id is not None
        }
        if not written:
            return False
        self._told_lately = True
        first, last = min(written), max(written)
        if first > self._delivered_through + 1:
            self._read_plain(before=first)
        if first > self._delivered_through + 1 or last - first != len(written) - 1:
            self._news.set()
            return True
        for event_id in sorted(written):
            # A read of the log may have delivered it first.
            if event_id > self._delivered_through:
                self._deliver(event_id, written[event_id])
        self._delivered_through = max(self._delivered_through, last)
        return True

    def _deliver(self, event_id: int, result: Posted | Marked) -> None:
        if isinstance(result, Marked):
            if self._hub.has(result.reader_id):
                frame = frames.read_event(event_id, result.friend, result.up_to, result.unread)
                self._hub.tell(result.reader_id, frame, event_id)
            return
        if self._hub.has(result.sender_id):
            frame = frames.message_event(event_id, result.for_sender)
            self._hub.tell(result.sender_id, frame, event_id)
        if self._hub.has(result.recipient_id):
            frame = frames.message_event(event_id, result.for_recipient)
            self._hub.tell(result.recipient_id, frame, event_id)

    def look(self) -> bool:
        """Deliver what has been committed since the last look, which takes 4 µs if nothing has.

        Returns whether there is any.
        """
        try:
            if self._watched is None:
                self._watched = Watch()
            version = self._watched.version()
            if version == self._version:
                return False
            # This takes some µs, which the loop can spare.
            head = max(self._watched.ask(BOUNDS))
        except DriverError as error:
            self._blink(error)
            return False
        if head == self._delivered_through:
            self._version = version
            return False
        # Most likely the writer is about to deliver it. Other events before it then show as a
        # gap; if no batch follows in time, the next look reads the log.
        if self._told_lately and self._is_writing():
            self._told_lately = False
            self._loop.call_later(AGAIN_SECONDS, self.look)
            return False
        self._version = version
        read = self._read_plain()
        if read is None or read.more or not read.is_plain:
            self._news.set()
        return True

    def _read_plain(self, before: int = sys.maxsize) -> News | None:
        """Deliver what others wrote, as far as it is plain; None if the database is in trouble.

        It is not left to a thread: the pages were written a moment ago, so no disk is waited for.
        """
        try:
            if self._watched is None:
                self._watched = Watch()
            read = news.read(self._watched, self._hub.user_ids, self._delivered_through, before)
        except Exception as error:  # whatever it is, the ORM's way may go on
            self._blink(type(error).__name__)  # no message, which may quote what was read
            return None
        for user_id, event_id, frame in read.told:
            self._hub.tell(user_id, frame, event_id)
        self._delivered_through = read.through
        return read

    def _blink(self, error: object) -> None:
        """Look with another connection the next time."""
        logger.error("The feed cannot look at the database: %s", error)
        self._watched = None
        self._version = None  # that of one connection means nothing to another

    async def _watch(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                logger.exception("The feed could not look at the log")
            await asyncio.sleep(LOOK_SECONDS)

    async def _pump(self) -> None:
        """Read on in the log whenever there is news, one read at a time."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._read_on()
            except Exception:
                logger.exception("The feed could not read the log")
                self._news.set()
                await asyncio.sleep(TROUBLE_SECONDS)

    async def _read_on(self) -> None:
        more = True
        while more:
            read = self._read_plain()
            if read is None or not read.is_plain:
                more = await self._read_any()
            else:
                more = read.more
                await asyncio.sleep(0)

    async def _read_any(self) -> bool:
        """Deliver the next events of whatever kind; returns whether there are more."""
        after = self._delivered_through
        found = await self._in_thread(reading.read_for, self._hub.user_ids, after)
        if found is None:
            self._hub.tell_everyone(frames.RESET)
            self._delivered_through = await self._in_thread(EventLog.objects.head)
            return False
        for user_id, body in found.shown:
            # The writer may have delivered it meanwhile.
            if body["id"] > self._delivered_through:
                self._hub.tell(user_id, frames.event(body), body["id"])
        self._delivered_through = max(self._delivered_through, found.through)
        return bool(found.more)

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self._loop.run_in_executor(self._readers, function, *args)
