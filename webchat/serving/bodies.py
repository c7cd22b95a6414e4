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
Toll = Callable[[int], Awaitable[None]]  # is told how many bytes came, and may take its time

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


async def no_toll(_size: int) -> None:
    pass


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
        self._content = bytearray()
        self._gave_up = False
        self._timeout: asyncio.Timeout | None = None

    async def read(self, receive: Receive, declared: int) -> bool:
        """Read all of it; False when the client left. Raises Refused: 408, 503; and Crumbled."""
        self._pool.begin(self)
        began = asyncio.get_running_loop().time()
        is_whole = False
        try:
            async with asyncio.timeout_at(began + FIRST_BYTE_SECONDS) as self._timeout:
                is_whole = await self._read(receive, declared, began)
        except TimeoutError:
            raise Refused(503 if self._gave_up else 408) from None
        finally:
            self._timeout = None
            self._pool.came(self)
            if not is_whole:
                self.close()
        return is_whole

    async def _read(self, receive: Receive, declared: int, began: float) -> bool:
        is_kept = declared <= BODY_BYTES
        paid, pieces = -1, 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            if pieces > PIECES_AT_MOST and self.length < pieces * PIECE_BYTES:
                raise Crumbled
            pieces += 1
            if self._gave_up:
                raise TimeoutError
            chunk = message.get("body", b"")
            self.length += len(chunk)
            is_kept = is_kept and self.length <= BODY_BYTES
            if is_kept:
                self._keep(chunk)
            else:
                self.close()
            if not message.get("more_body", False) or self.length > DISCARDED_BYTES:
                return True
            kilobytes = min(self.length // 1024, TOTAL_SECONDS - GRACE_SECONDS)
            if kilobytes > paid:
                paid = kilobytes
                self._allow_until(began + GRACE_SECONDS + paid)
            await self._pay(len(chunk))

    async def _pay(self, size: int) -> None:
        self._unpaid += size
        if self._unpaid >= TOLL_BYTES:
            size, self._unpaid = self._unpaid, 0
            await self._toll(size)

    def _allow_until(self, when: float) -> None:
        if self._timeout is not None and not self._gave_up:
            self._timeout.reschedule(when)

    def _keep(self, chunk: bytes) -> None:
        if not self._pool.take(self, len(chunk)):
            raise Refused(503)
        self._content += chunk

    def give_up(self) -> None:
        """Make room for others: whoever waits in `read` is refused."""
        self._gave_up = True
        self._pool.came(self)
        self.close()
        if self._timeout is not None:
            self._timeout.reschedule(0)

    def take(self) -> bytes:
        """Take the content; empty if it was too long. Its memory counts until `close`."""
        content, self._content = bytes(self._content), bytearray()
        return content

    def close(self) -> None:
        self._content = bytearray()
        self._pool.give_back(self)

    async def linger(self, receive: Receive) -> None:
        """Take what a refused client still sends, for a moment: a reset would hide the answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                message = await receive()
                while message["type"] == "http.request" and message.get("more_body", False):
                    await self._pay(len(message.get("body", b"")))
                    message = await receive()
