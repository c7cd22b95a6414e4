"""One WebSocket connection, from its first frame to its close code."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.http import Http404
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import budgets
from chat.log import reading
from chat.models import EventLog
from chat.sending.drafts import Draft, is_client_id
from chat.sending.posting import Outcome
from webchat.base.api import describe, parse_object
from webchat.base.numbers import integer
from webchat.serving import turns
from webchat.serving.connections import Connection
from webchat.serving.wire import Wire

from . import frames
from .engine import Engine
from .frames import BROKEN, RESTART, TOO_MANY, TOO_SLOW
from .reading import ReadMarks
from .visitors import Visitor

FRAMES_WAITING = 1_000  # in the queue of a slow reader; a replay is not queued
BYTES_AT_ONCE = 64 * 1024  # of them, joined into one piece
GOODBYE_SECONDS = 0.5  # to send the queued frames when the connection ends
BAD_FRAMES = 200  # invalid or over the rate …
BAD_FRAMES_SECONDS = 10.0  # … within this time: then it is not one of our pages
TYPING_SECONDS = 2.0  # between two notes of typing to one friend; the rest is dropped
DRAFTS_AT_ONCE = 64  # of one socket, at the writer; more is read when one is answered
REFUSED_FRAME_SECONDS = 0.04  # over a budget, before the next frame is read: BAD_FRAMES take 8 s
FLOOD_COSTS = 60  # handshakes: a person can flood five times, then once in 12 s
NOT_UNDERSTOOD = ValidationError(_("This frame is not understood."), "invalid")
COUNTED = {"invalid", "too_long", "rate_limited"}

Frame = dict[str, Any]
Command = Callable[["Socket", Frame], None]

logger = logging.getLogger(__name__)


class Socket:
    """A person's connection. Frames go out in the order in which they were offered.

    It has a task of its own only until its replay is done: then it is called by its wire with
    what comes, and by the outbox to write.
    """

    __slots__ = (
        "_bad",
        "_close_code",
        "_connection",
        "_cursor",
        "_drafts",
        "_engine",
        "_is_live",
        "_reads",
        "_typed",
        "_waiting",
        "_wire",
        "visitor",
    )

    def __init__(
        self, engine: Engine, visitor: Visitor, wire: Wire, connection: Connection | None = None
    ) -> None:
        self.visitor = visitor
        self._connection = connection
        self._engine = engine
        self._wire = wire
        self._waiting: list[tuple[int, str]] = []
        self._is_live = False  # the replay is over
        self._cursor = 0  # events up to this id were queued, or came with the replay
        self._bad: deque[float] | None = None
        self._typed = "", 0.0  # recipient, time
        self._reads: ReadMarks | None = None
        self._drafts = 0  # at the writer
        self._close_code: int | None = None

    @property
    def user_id(self) -> int:
        return self.visitor.user.pk

    async def open(self, after: str | None) -> None:
        """Send what was missed, and go live; then the wire is all that keeps it."""
        code = self._engine.admit(self)
        self._wire.attach(self)
        if code is not None:
            return self.close(code)
        if self._connection is not None:
            self._connection.is_kept = True  # one of a few: never closed to make room
        try:
            await self._replay(after)
        except OSError:
            return  # the peer went away, or the connection was closed meanwhile
        except (OperationalError, turns.TooMany) as error:
            logger.error("A socket could not be served: %s", type(error).__name__)
            return self.close(BROKEN)
        except BaseException:
            self.close(BROKEN)
            raise
        self._is_live = True
        self.flush()
        self._wire.release()

    # Outwards

    def offer(self, frame: str, event_id: int = 0) -> None:
        """Queue a frame; an event that was queued already is dropped."""
        if event_id:
            if event_id <= self._cursor:
                return
            self._cursor = event_id
        if len(self._waiting) >= FRAMES_WAITING:
            return self.close(TOO_SLOW)
        self._waiting.append((event_id, frame))
        if len(self._waiting) == 1 and self._is_live and not self._wire.is_full:
            self._engine.outbox.add(self)

    def flush(self) -> None:
        """Write the frames that wait, as long as the peer takes them."""
        if not self._is_live:
            return
        waiting = self._waiting
        while waiting and not self._wire.is_full:
            some: list[bytes] = []
            size = 0
            for _event_id, frame in waiting:
                some.append(frames.packed(frame))
                size += len(some[-1])
                if size >= BYTES_AT_ONCE:
                    break
            del waiting[: len(some)]
            self._wire.write(some)

    def writable(self) -> None:
        self.flush()
        if self._close_code is not None and not self._waiting:
            self._say_goodbye()

    def close(self, code: int) -> None:
        """End the connection soon; a reader who keeps up gets the queued frames first."""
        if self._close_code is not None:
            return
        self._close_code = code
        self._engine.hub.remove(self)
        # Live events after a replay that is not complete would be taken for all there is.
        if code == TOO_SLOW or not self._is_live:
            self._waiting.clear()
        self.flush()
        if self._waiting:
            asyncio.get_running_loop().call_later(GOODBYE_SECONDS, self._say_goodbye)
        else:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        self._waiting.clear()
        code = self._close_code or BROKEN
        self._wire.end(code, self._engine.returning.reason() if code == RESTART else "")

    def lost(self) -> None:
        self._waiting.clear()
        self._engine.hub.remove(self)

    async def _replay(self, after: str | None) -> None:
        """Send hello, then the missed events. Live events wait meanwhile."""
        user = self.visitor.user
        try:
            cursor = None if after is None else integer(after, name="after")
            missed = self._engine.feed.missed_after(cursor)
            missed = missed or await self._in_turn(reading.read_after, user, cursor)
        except ValidationError:
            missed = None
        if missed is None:
            head = await self._engine.in_thread(EventLog.objects.head)
            await self._greet(head)
            await self._tell(frames.RESET)
            return
        await self._greet(missed.head)
        while True:
            for body in missed.events:
                await self._tell(frames.event(body))
            if not missed.more:
                break
            missed = await self._in_turn(reading.read_after, user, missed.last_event)
            if missed is None:
                return await self._tell(frames.RESET)
        await self._tell(frames.CAUGHT_UP)
        self._skip_through(missed.last_event)

    async def _greet(self, head: int) -> None:
        spread = self._engine.returning.seconds()
        await self._tell(frames.hello(self.visitor.user.username, head, spread))

    async def _in_turn(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self._engine.in_turn(self.user_id, function, *args)

    def _skip_through(self, event_id: int) -> None:
        """Drop the live events that the replay has already sent."""
        self._cursor = max(self._cursor, event_id)
        self._waiting = [w for w in self._waiting if not 0 < w[0] <= event_id]

    async def _tell(self, frame: str) -> None:
        self._wire.write([frames.packed(frame)])
        await self._wire.drain()

    # Inwards

    def received(self, text: str) -> None:
        try:
            frame = parse_object(text)
            command = COMMANDS.get(frame["type"])
        except (KeyError, TypeError, ValueError):
            command = None
        if command is None:
            self._refuse_with(NOT_UNDERSTOOD)
        elif self._may(command):
            command(self, frame)
        else:
            self._wire.hold()
            asyncio.get_running_loop().call_later(REFUSED_FRAME_SECONDS, self._wire.release)

    def _may(self, command: Command) -> bool:
        """Whether the budget allows another frame; messages are counted by SEND_RATE."""
        turns.note(self.user_id)
        if command is Socket._on_send:
            return True
        try:
            budgets.FRAMES.take(self.user_id)
        except ValidationError as refusal:
            self._refuse_with(refusal)
            return False
        return True

    def _on_ping(self, frame: Frame) -> None:
        self.offer(frames.PONG)

    def _on_send(self, frame: Frame) -> None:
        client_id = frame.get("client_id")
        try:
            draft = Draft.parse(
                self.user_id,
                to=frame.get("to"),
                client_id=client_id,
                text=frame.get("text"),
                quote=frame.get("quote"),
                upload=frame.get("upload"),
                forward=frame.get("forward"),
            )
        except ValidationError as error:
            self._refuse_with(error, client_id if is_client_id(client_id) else None)
        else:
            self._drafts += 1
            if self._drafts == DRAFTS_AT_ONCE:
                self._wire.hold()
            self._engine.writer.submit(draft, partial(self._answer, str(client_id)))

    def _answer(self, client_id: str, outcome: Outcome) -> None:
        if self._drafts == DRAFTS_AT_ONCE:
            self._wire.release()
        self._drafts -= 1
        if isinstance(outcome, ValidationError):
            self._refuse_with(outcome, client_id)
        else:
            self.offer(frames.ack(client_id, outcome.for_sender))

    def _on_read(self, frame: Frame) -> None:
        try:
            up_to = integer(frame.get("up_to"), name="up_to")
            username = frame.get("with")
            if not isinstance(username, str):
                raise NOT_UNDERSTOOD
        except ValidationError as error:
            return self._refuse_with(error)
        if self._reads is None:
            self._reads = ReadMarks(self._engine, self.visitor.user, self._refuse_with)
        self._reads.note(username, up_to)

    def _on_typing(self, frame: Frame) -> None:
        username = frame.get("to")
        if not isinstance(username, str):
            return self._refuse_with(NOT_UNDERSTOOD)
        now = time.monotonic()
        typed_to, typed_at = self._typed
        if username == typed_to and now - typed_at < TYPING_SECONDS:
            return
        if budgets.TYPING.try_take(self.user_id):
            return
        self._typed = username, now
        self._wire.hold()
        self._engine.keep(self._note_typing(username))

    async def _note_typing(self, username: str) -> None:
        try:
            # It is too late once the database is back, and a friend who is gone needs none.
            with suppress(OperationalError, Http404):
                await self._engine.note_typing(self.visitor.user, username)
        finally:
            self._wire.release()

    def _refuse_with(self, error: ValidationError, client_id: str | None = None) -> None:
        with translation.override(self.visitor.language):
            code, message, params = describe(error)
        self._refuse(code, message, client_id, params.get("retry_after"))

    def _refuse(
        self,
        code: str,
        message: str,
        client_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.offer(frames.error(code, message, client_id, retry_after))
        if code not in COUNTED or self._close_code is not None:
            return
        now = time.monotonic()
        if self._bad is None:
            self._bad = deque(maxlen=BAD_FRAMES)
        self._bad.append(now)
        if len(self._bad) == BAD_FRAMES and now - self._bad[0] < BAD_FRAMES_SECONDS:
            budgets.HANDSHAKES.charge(self.user_id, FLOOD_COSTS)
            self.close(TOO_MANY)


COMMANDS: dict[str, Command] = {
    "send": Socket._on_send,
    "read": Socket._on_read,
    "typing": Socket._on_typing,
    "ping": Socket._on_ping,
}
