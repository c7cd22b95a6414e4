"""Group commit: one thread writes all that came while its last commit ran."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from django.utils.translation import gettext_lazy as _

from chat.sending.drafts import Draft
from webchat.database import queueing
from webchat.serving.turns import Turns

from . import batches
from .batches import Job, Result
from .outbox import Outbox

DRAFTS_AT_MOST = 256  # in one transaction: enough to share an fsync, few enough to wait for
WAITING_AT_MOST = 10_000  # drafts in memory while the database is locked
RETRY_SECONDS = 2
# Between the beginnings of two commits, but for one person who sends alone, maybe each message
# after the answer to the last. At 500 a second, two or three messages share a commit.
COMMIT_SECONDS = 0.004

Answer = Callable[[Any], None]  # takes the job's Result, or the error that nothing was done
Waiting = tuple[Job, Answer]
Written = Callable[[Sequence[Result]], None]

logger = logging.getLogger(__name__)


class Writer:
    """Takes drafts on the event loop and answers there, after their commit.

    An idle writer commits one draft at once, a busy one shares each fsync among all the drafts
    that came during the one before and, of several people, until its commits are COMMIT_SECONDS
    apart. While it writes, the requests of heavy users wait, as they do for other people's turns.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, written: Written, turns: Turns, outbox: Outbox
    ) -> None:
        self._loop = loop
        self._written = written
        self._turns = turns
        self._outbox = outbox
        self._waiting: SimpleQueue[Waiting | None] = SimpleQueue()  # None is the end
        self._unanswered = 0
        self._stopping = False
        self._stop = threading.Lock()  # nothing is taken once the end is in the queue
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write the waiting drafts, then end the thread. Not on the event loop: it joins."""
        with self._stop:
            self._stopping = True
            self._waiting.put(None)
        self._thread.join()

    @property
    def is_busy(self) -> bool:
        return self._unanswered > 0

    def submit(self, job: Job, answer: Answer) -> None:
        """Call `answer` on the loop with the outcome, once it is on disk or refused."""
        with self._stop:
            if self._unanswered < WAITING_AT_MOST and not self._stopping:
                if not self._unanswered:
                    self._turns.begin_light()
                self._unanswered += 1
                self._waiting.put((job, answer))
                return
        answer(unavailable())

    def _run(self) -> None:
        queueing.only_write()
        began = 0.0
        people: set[int] = set()
        try:
            while (first := self._waiting.get()) is not None:
                pause = began + COMMIT_SECONDS - time.monotonic()
                if pause > 0 and people != {_person(first[0])}:
                    time.sleep(pause)
                batch = self._take(first)
                people = {_person(job) for job, _answer in batch}
                began = time.monotonic()
                outcomes = _post([job for job, _answer in batch])
                self._loop.call_soon_threadsafe(self._tell, batch, outcomes)
        finally:
            connection.close()

    def _take(self, first: Waiting) -> list[Waiting]:
        """Take what waits besides the first."""
        batch = [first]
        for _number in range(min(self._waiting.qsize(), DRAFTS_AT_MOST - 1)):
            waiting = self._waiting.get()
            if waiting is None:
                self._waiting.put(None)  # nothing comes after it
                break
            batch.append(waiting)
        return batch

    def _tell(self, batch: Sequence[Waiting], outcomes: Sequence[Result]) -> None:
        self._unanswered -= len(batch)
        if not self._unanswered:
            self._turns.end_light()
        with self._outbox:
            self._tell_all(batch, outcomes)

    def _tell_all(self, batch: Sequence[Waiting], outcomes: Sequence[Result]) -> None:
        # The feed first: it delivers in the order of the log, and no ack may overtake an event.
        try:
            self._written(outcomes)
        except Exception:
            # It is on disk, so the answers hold, and the next look at the log delivers it.
            logger.exception("A batch could not be delivered")
        for (_job, answer), outcome in zip(batch, outcomes, strict=True):
            try:
                answer(outcome)
            except Exception:
                logger.exception("An answer could not be given")


def _person(job: Job) -> int:
    return job.sender_id if isinstance(job, Draft) else job.reader_id


def _post(jobs: Sequence[Job]) -> Sequence[Result]:
    """Write a batch, and return trouble as an answer: the thread must survive a full disk."""
    try:
        return batches.write(jobs)
    except OperationalError as error:
        logger.error("The database refused %d messages: %s", len(jobs), error)
    except Exception:
        logger.exception("%d messages could not be written", len(jobs))
        connection.close()
    return [unavailable()] * len(jobs)


def unavailable() -> ValidationError:
    return ValidationError(
        _("The server is busy. Your message was not sent; please try again."),
        "unavailable",
        {"retry_after": RETRY_SECONDS},
    )
