"""Bodies of requests: how long one may take to arrive, and how much all of them may hold.

A body is complete before a thread sees it, so a slow one costs memory and a connection only;
both have a bound here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Toll = Callable[[int], float]  # is told how many bytes came; returns seconds to wait before more
KeepPiece = Callable[[bytes], bool]  # returns whether it has

BODY_BYTES = 1024 * 1024  # kept in memory; of a longer body Django only learns the length
# The smaller the pieces, the more they cost: browsers send theirs in kilobytes.
PIECES_AT_MOST = 1_000  # that hold less than …
PIECE_BYTES = 256  # … on average
DISCARDED_BYTES = 16 * BODY_BYTES  # read and thrown away, so that the client sees the refusal
# A phone on a line of 5 KB/s sends the largest request of the API (32 KiB) in 7 seconds.
FIRST_BYTE_SECONDS = 10
GRACE_SECONDS = 30  # then a second for each KB …
TOTAL_SECONDS = 60  # … and no more than this in all
SMALL_BYTES = 64 * 1024  # up to here a body is one that a page or the API sends
LARGE_POOL_BYTES = 24 * 1024 * 1024  # larger ones are refused when all together hold this …
POOL_BYTES = 32 * 1024 * 1024  # … and for small ones the oldest that is half sent makes room
# For a client that was refused in the middle of its body, so that it can read why.
LINGER_SECONDS = 5
TOLL_BYTES = 64 * 1024  # of a body, between two payments by its sender


def no_toll(_size: int) -> float:
    return 0.0


class Refused(Exception):  # noqa: N818  (it becomes an answer)
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Crumbled(Exception):  # noqa: N818  (it ends the connection)
    """A body in so many pieces that taking it apart is all its sender wants."""


class Pool:
    """The memory of all bodies, from their first byte until their request is answered."""

    def __init__(self) -> None:
        self._held = 0
        self._coming: dict[Body, None] = {}  # in the order in which they began

    def begin(self, body: Body) -> None:
        self._coming[body] = None

    def came(self, body: Body) -> None:
        self._coming.pop(body, None)

    def take(self, body: Body, size: int) -> bool:
        is_small = body.held + size <= SMALL_BYTES
        if is_small:
            self._make_room(body, size)
        if self._held + size > (POOL_BYTES if is_small else LARGE_POOL_BYTES):
            return False
        self._held += size
        body.held += size
        return True

    def _make_room(self, for_body: Body, size: int) -> None:
        while self._held + size > POOL_BYTES:
            oldest = next((body for body in self._coming if body is not for_body), None)
            if oldest is None:
                return
            oldest.give_up()

    def give_back(self, body: Body) -> None:
        self._held -= body.held
        body.held = 0


class Body:
    """The body of one request; `close` gives back its memory."""

    def __init__(self, pool: Pool, toll: Toll = no_toll) -> None:
        self.length = 0
        self.held = 0
        self._pool = pool
        self._toll = toll
        self._unpaid = 0  # bytes
        self._wait_until = 0.0
        self._content: list[bytes] = []
        self._pieces = 0
        self._gave_up = False
        self._began = 0.0
        self._earned = -1  # seconds, one for each kilobyte
        self._timeout: asyncio.Timeout | None = None  # while it is read

    async def read(self, receive: Receive, declared: int) -> bool:
        """Read all of it; False when the client left. Raises Refused: 408, 503; and Crumbled."""
        self._pool.begin(self)
        self._began = asyncio.get_running_loop().time()
        is_whole = False
        try:
            async with asyncio.timeout_at(self._began + FIRST_BYTE_SECONDS) as self._timeout:
                is_whole = await self._read(receive, declared)
        except TimeoutError:
            raise Refused(503 if self._gave_up else 408) from None
        finally:
            self._timeout = None
            self._pool.came(self)
            if not is_whole:
                self.close()
        return is_whole

    async def _read(self, receive: Receive, declared: int) -> bool:
        is_kept = declared <= BODY_BYTES
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            if self._is_crumbled:
                raise Crumbled
            if self._gave_up:
                raise TimeoutError
            chunk = message.get("body", b"")
            is_kept = is_kept and self.length + len(chunk) <= BODY_BYTES
            if not is_kept:
                self.close()
            elif not self._keep(chunk):
                raise Refused(503)
            self._pieces += 1
            self.length += len(chunk)
            if not message.get("more_body", False) or self.length > DISCARDED_BYTES:
                return True
            self._earn_time()
            await self._pay(len(chunk))

    def keep_piece(self, piece: bytes) -> bool:
        """Keep a piece that comes while `read` waits for one, without waking it.

        False if it has to wait or may be refused: then it is for `read`.
        """
        if self._timeout is None or self._gave_up or self._is_crumbled or self._seconds_to_wait():
            return False
        if self.length + len(piece) > BODY_BYTES or not self._keep(piece):
            return False
        self._pieces += 1
        self.length += len(piece)
        self._earn_time()
        self._charge(len(piece))
        return True

    def _keep(self, piece: bytes) -> bool:
        has_room = self._pool.take(self, len(piece))
        if has_room:
            self._content.append(piece)
        return has_room

    @property
    def _is_crumbled(self) -> bool:
        return self._pieces > PIECES_AT_MOST and self.length < self._pieces * PIECE_BYTES

    def _earn_time(self) -> None:
        earned = min(self.length // 1024, TOTAL_SECONDS - GRACE_SECONDS)
        if earned > self._earned and self._timeout is not None and not self._gave_up:
            self._earned = earned
            self._timeout.reschedule(self._began + GRACE_SECONDS + earned)

    async def _pay(self, size: int) -> None:
        self._charge(size)
        if seconds := self._seconds_to_wait():
            await asyncio.sleep(seconds)

    def _charge(self, size: int) -> None:
        self._unpaid += size
        if self._unpaid >= TOLL_BYTES:
            size, self._unpaid = self._unpaid, 0
            if seconds := self._toll(size):
                self._wait_until = asyncio.get_running_loop().time() + seconds

    def _seconds_to_wait(self) -> float:
        if not self._wait_until:
            return 0.0
        return max(0.0, self._wait_until - asyncio.get_running_loop().time())

    def give_up(self) -> None:
        """Make room for others: whoever waits in `read` is refused."""
        self._gave_up = True
        self._pool.came(self)
        self.close()
        if self._timeout is not None:
            self._timeout.reschedule(0)

    def take(self) -> bytes:
        """Take the content; empty if it was too long. Its memory counts until `close`."""
        content, self._content = b"".join(self._content), []
        return content

    def close(self) -> None:
        self._content = []
        self._pool.give_back(self)

    async def linger(self, receive: Receive) -> None:
        """Take what a refused client still sends, for a moment: a reset would hide the answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                message = await receive()
                while message["type"] == "http.request" and message.get("more_body", False):
                    await self._pay(len(message.get("body", b"")))
                    message = await receive()
