"""A server's end of one WebSocket, straight on asyncio's transport.

A frame that comes costs a call and no task; what goes out is written at once. What its reader
cannot take yet waits here, first as messages, then as bytes, then in the client's machine.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from . import frames
from .frames import BrokenError, Frames

MESSAGES_IN_A_ROW = 16  # of one socket, before the loop looks after the others
MESSAGES_AHEAD = 32  # read for a reader who is held, so that pings and a close are answered
# Bytes that wait for those, before the transport is told to read no more: twice the longest
# message, which has to fit.
BYTES_AHEAD = 64 * 1024
# Browsers send no pings of their own, others one in 20 seconds, and a message in a few parts.
UNREAD_FRAMES = 100
UNREAD_FRAMES_SECONDS = 10.0
CLOSE_SECONDS = 5.0  # for the peer's answer to our close frame, or to take what is left

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """The one to whom a wire gives what comes. Nothing here may wait."""

    def received(self, text: str) -> None:
        """Take a message; a binary one, which no client of ours sends, is an empty text."""

    def writable(self) -> None:
        """Go on writing: the peer has taken what had been written before."""

    def lost(self) -> None:
        """Note that nothing more can be written. What had come before may still be received."""


class Wire(asyncio.Protocol):
    """One WebSocket after its handshake; frames that come before it has a reader wait."""

    __slots__ = (
        "_ahead",
        "_drained",
        "_frames",
        "_holds",
        "_is_called",
        "_is_deaf",
        "_is_over",
        "_is_read",
        "_is_paused",
        "_reader",
        "_timer",
        "_unread",
        "is_full",
        "transport",
    )

    def __init__(self, transport: Any, most: int) -> None:
        """Make one; `most`: the bytes of the longest message that is taken."""
        self.transport = transport
        self.is_full = False  # the peer has to take something before more is written
        self._frames = Frames(most)
        self._reader: Reader | None = None
        self._holds = 1  # until there is a reader
        self._ahead: list[str] = []
        self._unread: deque[float] | None = None
        self._is_called = False  # to go on reading, after a turn of the loop
        self._is_paused = False
        self._is_deaf = False  # our close frame is out: nobody reads what comes
        self._is_read = False  # to its last frame: the peer has closed, or broken the protocol
        self._is_over = False  # nothing can be written any more
        self._drained: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def has_reader(self) -> bool:
        return self._reader is not None

    @property
    def is_open(self) -> bool:
        """Whether something can still be said."""
        return not (self._is_deaf or self._is_over)

    @property
    def is_closing(self) -> bool:
        """Whether all has been said: the peer has to answer our close, or to take the rest."""
        return not self.is_open

    # Inwards

    def attach(self, reader: Reader) -> None:
        """Give it a reader, who is held until the first `release`."""
        self._reader = reader
        if self._is_over:
            reader.lost()

    def hold(self) -> None:
        """Give the reader nothing more until `release` has been called as often."""
        self._holds += 1

    def release(self) -> None:
        self._holds -= 1
        if not self._holds and (self._ahead or len(self._frames) or self._is_paused):
            self._call()

    def keep(self, data: bytes) -> None:
        """Take bytes that come before the end of the handshake."""
        self._frames.feed(data)
        self._bound()

    def data_received(self, data: bytes) -> None:
        self._frames.feed(data)
        if self._is_called:
            self._bound()
        else:
            self._read()

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._read)

    def _read(self) -> None:
        """Give the reader what has come, a few messages in a row."""
        self._is_called = False
        try:
            for _number in range(MESSAGES_IN_A_ROW):
                message = self._next()
                if message is None:
                    break
                if self._reader is not None:
                    self._reader.received(message)
            else:
                self._call()
        except Exception:
            logger.exception("A socket could not be served")
            self.end(frames.SERVER_ERROR)
        self._bound()

    def _bound(self) -> None:
        """Have the transport read no more while much waits here."""
        has_much = len(self._frames) > BYTES_AHEAD
        if has_much != self._is_paused and not self.transport.is_closing():
            self._is_paused = has_much
            if has_much:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _next(self) -> str | None:
        """Return the next message for the reader, None if there is none or they are held."""
        if self._holds:
            while len(self._ahead) < MESSAGES_AHEAD and (message := self._take()) is not None:
                self._ahead.append(message)
            return None
        return self._ahead.pop(0) if self._ahead else self._take()

    def _take(self) -> str | None:
        """Take the next message from the bytes, and deal with the control frames before it."""
        while not self._is_read:
            try:
                found = self._frames.next()
                if found is None:
                    return None
                opcode, payload = found
                if opcode == frames.TEXT and not self._is_deaf:
                    return payload.decode()
            except UnicodeDecodeError:
                self._break(frames.INVALID_DATA, "Invalid UTF-8")
                return None
            except BrokenError as error:
                self._break(error.code, error.reason)
                return None
            if opcode == frames.BINARY and not self._is_deaf:
                return ""
            if opcode == frames.CLOSE:
                self._write(frames.answer_to_close(payload))
                self._leave()
            elif self._is_flood():
                self.close()
            elif opcode == frames.PING:
                self._write(frames.frame(frames.PONG, payload))
        return None

    def _is_flood(self) -> bool:
        """Count a frame that nobody reads; too many of them end the connection at once.

        Those are pings, pongs, parts of messages, and all that comes after our close frame.
        """
        if self._unread is None:
            self._unread = deque(maxlen=UNREAD_FRAMES)
        now = time.monotonic()
        self._unread.append(now)
        return len(self._unread) == UNREAD_FRAMES and now - self._unread[0] < UNREAD_FRAMES_SECONDS

    # Outwards

    def write(self, some: Iterable[bytes]) -> None:
        """Write frames in one piece; those that come too late are dropped."""
        self._write(b"".join(some))

    def _write(self, data: bytes) -> None:
        if self.is_open and not self.transport.is_closing():
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until more can be written. Raises ConnectionResetError if it never can."""
        while self.is_full and self.is_open:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        if not self.is_open:
            raise ConnectionResetError

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._wake()
        if self._reader is not None:
            self._reader.writable()

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # The end

    def end(self, code: int, reason: str = "") -> None:
        """Close it: what comes is not read any more, and the peer has a while to answer."""
        if not self.is_open:
            return
        self._write(frames.close_frame(code, reason))
        self._is_deaf = True
        self._ahead.clear()
        self._wake()
        self._timer = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._leave)

    def close(self) -> None:
        """Cut it off, whatever has not been written yet."""
        self._is_read = True
        self._over()
        self.transport.abort()

    def _break(self, code: int, reason: str) -> None:
        self._write(frames.close_frame(code, reason))
        self._leave()

    def _leave(self) -> None:
        self._is_read = True
        self._over()
        self.transport.close()
        if self.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.transport.abort)

    def _over(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
        if self._reader is not None:
            self._reader.lost()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over()
