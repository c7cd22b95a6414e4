"""Regular work of a process, beside its sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from accounts import sessions
from accounts.services import read_unread_names
from friends.services import read_unread_remarks
from webchat.database import wal
from webchat.database.connecting import own_file

from ..gone import Sweeper
from ..media import describing
from ..search.index import Builder
from . import presence
from .hub import Hub

READ_NAMES_SECONDS = 60.0
GONE_SECONDS = 2.0  # how soon deleted data leaves the database's log; the promise is 5
GONE_AGAIN_SECONDS = 0.5
INDEX_SECONDS = 2.0
FOLD_MESSAGES = 100  # some ten pages of the log each
FOLD_SECONDS = 0.25
BLOCKS_AT_ONCE = 4  # of the search index: a fiftieth of one core while there are many to make
MEDIA_SECONDS = 60.0  # while there is nothing to do
MEDIA_PAUSE_SECONDS = 1.0
MEDIA_PAUSE = 4  # times the duration of the last file: those who send have the processor
INDEX_PAUSE = 20  # times the duration of the last blocks: most of the interpreter is for writers

Job = Callable[[], Awaitable[None]]
Seconds = float | Callable[[], float]

logger = logging.getLogger(__name__)


async def every(seconds: Seconds, job: Job, complaint: str, *, at_once: bool = False) -> None:
    """Do a job after each pause, forever; an error goes into the log with the complaint."""
    while True:
        if not at_once:
            await asyncio.sleep(seconds() if callable(seconds) else seconds)
        at_once = False
        try:
            await job()
        except Exception:
            logger.exception(complaint)


class Housekeeping:
    """Does the work that no request waits for: sessions, presence, index, names, database log."""

    def __init__(self, hub: Hub, in_thread: Callable[..., Awaitable[Any]]) -> None:
        self._hub = hub
        self._in_thread = in_thread
        self._builder = Builder()
        self._index_pause = INDEX_SECONDS
        self._describer = describing.Describer()
        self._media_pause = MEDIA_SECONDS
        self._sweeper = Sweeper()
        self._gone_pause = GONE_SECONDS
        self._written = 0  # since the log was folded
        self._is_much_written = asyncio.Event()

    def start(self) -> list[asyncio.Task[None]]:
        seen, noted = sessions.SEEN_EVERY.total_seconds(), presence.NOTED_EVERY.total_seconds()
        jobs = {
            "live-seen": every(seen, self._write_seen, "Who was here could not be written down"),
            "live-presence": every(noted, self._note_presence, "Who is online could not be noted"),
            "live-index": every(
                lambda: self._index_pause,
                self._build_index,
                "The index of the search could not be built",
            ),
            "live-names": every(
                READ_NAMES_SECONDS, self._read_names, "Names could not be read", at_once=True
            ),
            "live-gone": every(
                lambda: self._gone_pause,
                self._sweep_gone,
                "The log of the database could not be cut",
            ),
            "live-media": every(
                lambda: self._media_pause,
                self._describe_files,
                "A file could not be described",
            ),
            "live-log": every(
                FOLD_SECONDS, self._fold_log, "The log of the database could not be folded"
            ),
        }
        return [asyncio.create_task(job, name=name) for name, job in jobs.items()]

    def count(self, written: int) -> None:
        """Note how many messages and marks a commit has written; a request counts as one."""
        self._written += written
        if self._written >= FOLD_MESSAGES:
            self._is_much_written.set()

    async def _write_seen(self) -> None:
        """Keep the list of sessions fresh without a write for each request."""
        connected = {socket.visitor.session_key for socket in self._hub}
        await self._in_thread(sessions.write_seen, connected)

    async def _note_presence(self) -> None:
        """Keep the online dots of connected people."""
        if user_ids := self._hub.user_ids():
            await self._in_thread(presence.note, user_ids)

    async def _build_index(self) -> None:
        """Index recent messages, so that a search need not read all of them."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._in_thread(self._builder.build, BLOCKS_AT_ONCE)
        finally:
            self._index_pause = max(INDEX_SECONDS, INDEX_PAUSE * (loop.time() - began))

    async def _describe_files(self) -> None:
        """Make the preview of one picture that has none, or measure one file of an import."""
        loop = asyncio.get_running_loop()
        with describing.alone() as is_alone:
            file = await self._in_thread(self._describer.next) if is_alone else None
            self._media_pause = MEDIA_SECONDS
            if file is None:
                return
            began = loop.time()
            if found := await describing.find_out(file):
                await self._in_thread(describing.keep, file, *found)
            self._media_pause = max(MEDIA_PAUSE_SECONDS, MEDIA_PAUSE * (loop.time() - began))

    async def _read_names(self) -> None:
        """Add the pinyin of names that came without it, by an import or a command."""
        await self._in_thread(read_unread_names)
        await self._in_thread(read_unread_remarks)

    async def _sweep_gone(self) -> None:
        """Clear deleted data from the log of the database."""
        is_done = await self._in_thread(self._sweeper.sweep)
        self._gone_pause = GONE_SECONDS if is_done else GONE_AGAIN_SECONDS

    async def _fold_log(self) -> None:
        """Fold the log of the database, so that no commit has to."""
        await self._is_much_written.wait()
        self._is_much_written.clear()
        self._written = 0
        await self._in_thread(wal.fold, own_file())
