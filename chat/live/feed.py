"""Delivery of the event log to the sockets of this process, in the order of its ids."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from chat.log import reading
from chat.models import EventLog
from chat.models.events import BOUNDS
from chat.sending.posting import Outcome, Posted
from webchat.database.trouble import DriverError
from webchat.database.watching import Watch

from . import frames
from .hub import Hub

LOOK_SECONDS = 0.05  # how long a commit of another process may go unseen
TROUBLE_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Feed:
    """Delivers what is new in the log: each event once to each socket.

    What this process's writer has committed is delivered from memory when it comes next in
    the log; everything else (HTTP, other workers, the admin, `manage.py`) is read from the
    log, whenever the database says that it has changed.
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

    def written(self, outcomes: Sequence[Outcome]) -> None:
        """Deliver what the writer has just committed, unless something else comes before it."""
        posted = [o for o in outcomes if isinstance(o, Posted) and o.event_id is not None]
        if not posted:
            return
        self._told_lately = True
        first, last = posted[0].event_id or 0, posted[-1].event_id or 0
        if first > self._delivered_through + 1 or last - first != len(posted) - 1:
            self._news.set()
            return
        for message in posted:
            self._deliver_message(message)
        self._delivered_through = max(self._delivered_through, last)

    def _deliver_message(self, posted: Posted) -> None:
        event_id = posted.event_id or 0
        # A read of the log may have delivered it first.
        if event_id <= self._delivered_through:
            return
        if self._hub.has(posted.sender_id):
            frame = frames.message_event(event_id, posted.for_sender)
            self._hub.tell(posted.sender_id, frame, event_id)
        if self._hub.has(posted.recipient_id):
            frame = frames.message_event(event_id, posted.for_recipient)
            self._hub.tell(posted.recipient_id, frame, event_id)

    def look(self) -> None:
        """Ask the database whether anybody else has committed since the last look (4 µs)."""
        try:
            if self._watched is None:
                self._watched = Watch()
            version = self._watched.version()
            if version == self._version:
                return
            # This takes some µs, which the loop can spare.
            head = max(self._watched.ask(BOUNDS))
        except DriverError as error:
            logger.error("The feed cannot look at the database: %s", error)
            self._watched = None
            return
        if head == self._delivered_through:
            self._version = version
            return
        # Most likely the writer is about to deliver it. Other events before it then show as a
        # gap; if no batch follows in time, the next look reads the log.
        if self._told_lately and self._is_writing():
            self._told_lately = False
            return
        self._version = version
        self._news.set()

    async def _watch(self) -> None:
        while True:
            self.look()
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
            after = self._delivered_through
            news = await self._in_thread(reading.read_for, self._hub.user_ids, after)
            if news is None:
                self._hub.tell_everyone(frames.RESET)
                self._delivered_through = await self._in_thread(EventLog.objects.head)
                return
            for user_id, body in news.shown:
                # The writer may have delivered it meanwhile.
                if body["id"] > self._delivered_through:
                    self._hub.tell(user_id, frames.event(body), body["id"])
            self._delivered_through = max(self._delivered_through, news.through)
            more = news.more

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self._loop.run_in_executor(self._readers, function, *args)
