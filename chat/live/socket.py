"""One WebSocket connection, from its first frame to its close code."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
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
from webchat.base.text import encodable
from webchat.serving import turns
from webchat.serving.bridge import Receive, Send
from webchat.serving.connections import Connection

from . import frames
from .engine import Engine
from .frames import BROKEN, RESTART, TOO_MANY, TOO_SLOW
from .reading import ReadMarks
from .visitors import Visitor

FRAMES_WAITING = 1_000  # in the queue of a slow reader; a replay is not queued
GOODBYE_SECONDS = 0.5  # to send the queued frames when the connection ends
BAD_FRAMES = 200  # invalid or over the rate …
BAD_FRAMES_SECONDS = 10.0  # … within this time: then it is not one of our pages
TYPING_SECONDS = 2.0  # between two notes of typing to one friend; the rest is dropped
FRAMES_IN_A_ROW = 16  # of one socket, before the loop looks after the others
DRAFTS_AT_ONCE = 64  # of one socket, at the writer; the next is read when one is answered
REFUSED_FRAME_SECONDS = 0.04  # over a budget, before the next frame is read: BAD_FRAMES take 8 s
FLOOD_COSTS = 60  # handshakes: a person can flood five times, then once in 12 s
NOT_UNDERSTOOD = ValidationError(_("This frame is not understood."), "invalid")
COUNTED = {"invalid", "too_long", "rate_limited"}

Frame = dict[str, Any]
Command = Callable[["Socket", Frame], Awaitable[None]]

logger = logging.getLogger(__name__)


class Socket:
    """A person's connection. Frames go out in the order in which they were offered."""

    def __init__(
        self,
        engine: Engine,
        visitor: Visitor,
        receive: Receive,
        send: Send,
        connection: Connection | None = None,
    ) -> None:
        self.visitor = visitor
        self._connection = connection
        self._engine = engine
        self._receive = receive
        self._send = send
        self._waiting: deque[tuple[int, str]] = deque()
        self._has_waiting = asyncio.Event()
        self._cursor = 0  # events up to this id were queued, or came with the replay
        self._bad: deque[float] = deque(maxlen=BAD_FRAMES)
        self._typed = "", 0.0  # recipient, time
        self._reads = ReadMarks(engine, visitor.user, self._refuse_with)
        self._drafts = asyncio.Semaphore(DRAFTS_AT_ONCE)
        self._close_code: int | None = None
        self._is_peer_gone = False
        self.task: asyncio.Task[Any] = _current_task()

    @property
    def user_id(self) -> int:
        return self.visitor.user.pk

    async def run(self, after: str | None) -> None:
        """Serve the connection until either side ends it."""
        translation.activate(self.visitor.language)  # for this task
        sender: asyncio.Task[None] | None = None
        try:
            self._close_code = self._engine.admit(self)
            if self._close_code is None:
                if self._connection is not None:
                    self._connection.is_kept = True  # one of a few: never closed to make room
                await self._replay(after)
                sender = asyncio.create_task(self._send_waiting())
                sender.add_done_callback(self._on_silence)
                await self._listen()
        except asyncio.CancelledError:
            if self._close_code is None:
                raise
            self.task.uncancel()
        except OSError:
            pass  # the peer went away while something was sent
        except (OperationalError, turns.TooMany) as error:
            logger.error("A socket could not be served: %s", type(error).__name__)
            self._close_code = BROKEN
        finally:
            self._engine.hub.remove(self)
            if sender is not None:
                sender.cancel()
        if self._close_code is not None and not self._is_peer_gone:
            await self._say_goodbye(self._close_code)

    async def _say_goodbye(self, code: int) -> None:
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                while self._waiting:
                    await self._tell(self._waiting.popleft()[1])
        except (TimeoutError, OSError):
            pass
        goodbye: Frame = {"type": "websocket.close", "code": code}
        if code == RESTART and (reason := self._engine.returning.reason()):
            goodbye["reason"] = reason
        await self._send(goodbye)

    # Outwards

    def offer(self, frame: str, event_id: int = 0) -> None:
        """Queue a frame; an event that was queued already is dropped."""
        if event_id:
            if event_id <= self._cursor:
                return
            self._cursor = event_id
        if len(self._waiting) >= FRAMES_WAITING:
            self.close(TOO_SLOW)
            return
        self._waiting.append((event_id, frame))
        self._has_waiting.set()

    def close(self, code: int) -> None:
        """End the connection soon; a reader who keeps up gets the queued frames first."""
        if self._close_code is None:
            self._close_code = code
            if code == TOO_SLOW:
                self._waiting.clear()
            self.task.cancel()

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
        self._waiting = deque(
            waiting for waiting in self._waiting if not 0 < waiting[0] <= event_id
        )

    async def _send_waiting(self) -> None:
        try:
            while True:
                await self._has_waiting.wait()
                self._has_waiting.clear()
                while self._waiting:
                    _event_id, frame = self._waiting.popleft()
                    await self._tell(frame)
        except OSError:
            pass  # the peer has gone

    def _on_silence(self, sender: asyncio.Task[None]) -> None:
        """Close a socket that can no longer send: one that only listens would seem to work."""
        if sender.cancelled():
            return
        error = sender.exception()
        if error is not None:
            logger.error("A socket could not be written to", exc_info=error)
        self._is_peer_gone = error is None
        self.close(BROKEN)

    async def _tell(self, frame: str) -> None:
        try:
            await self._send({"type": "websocket.send", "text": frame})
        except UnicodeEncodeError:
            await self._send({"type": "websocket.send", "text": encodable(frame)})

    # Inwards

    async def _listen(self) -> None:
        for number in itertools.count():
            if number % FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)  # frames that have already come are received without a pause
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                frame = parse_object(message.get("text") or "")
                command = COMMANDS.get(frame["type"])
            except (KeyError, TypeError, ValueError):
                command = None
            if command is None:
                self._refuse_with(NOT_UNDERSTOOD)
            elif self._may(command):
                await command(self, frame)
            else:
                await asyncio.sleep(REFUSED_FRAME_SECONDS)

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

    async def _on_ping(self, frame: Frame) -> None:
        self.offer(frames.PONG)

    async def _on_send(self, frame: Frame) -> None:
        client_id = frame.get("client_id")
        try:
            draft = Draft.parse(
                self.user_id,
                to=frame.get("to"),
                text=frame.get("text"),
                client_id=client_id,
                quote=frame.get("quote"),
            )
        except ValidationError as error:
            self._refuse_with(error, client_id if is_client_id(client_id) else None)
        else:
            await self._drafts.acquire()
            self._engine.writer.submit(draft, partial(self._answer_draft, str(client_id)))

    def _answer_draft(self, client_id: str, outcome: Outcome) -> None:
        self._drafts.release()
        self._answer(client_id, outcome)

    def _answer(self, client_id: str, outcome: Outcome) -> None:
        if isinstance(outcome, ValidationError):
            self._refuse_with(outcome, client_id)
        else:
            self.offer(frames.ack(client_id, outcome.for_sender))

    async def _on_read(self, frame: Frame) -> None:
        try:
            up_to = integer(frame.get("up_to"), name="up_to")
            username = frame.get("with")
            if not isinstance(username, str):
                raise NOT_UNDERSTOOD
        except ValidationError as error:
            return self._refuse_with(error)
        self._reads.note(username, up_to)

    async def _on_typing(self, frame: Frame) -> None:
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
        # A note is too late once the database is back, and a friend who is gone needs none.
        with suppress(OperationalError, Http404):
            await self._engine.note_typing(self.visitor.user, username)

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


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("A socket lives in a task.")
    return task
