"""Requests that wait on the loop for something that others do, and hold no thread meanwhile."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class Waits:
    """The waits of one worker; at its stop they end at once, so that each request is answered."""

    def __init__(self) -> None:
        self._open: set[asyncio.Event] = set()

    async def settle(self, future: Future[Any], seconds: float) -> None:
        """Wait until a future is done, whatever its outcome, which belongs to the application."""
        over = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(_future: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(over.set)

        future.add_done_callback(tell)
        self._open.add(over)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await over.wait()
        finally:
            self._open.discard(over)

    def end(self) -> None:
        """End them all, as if their time were up; may be called again for those that follow."""
        for over in self._open:
            over.set()
