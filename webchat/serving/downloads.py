"""Fair shares of the loop among long downloads. All of it lives on the event loop.

A page may ask for thirty pictures in one moment, and a film that is sought through for many parts
of it: none is refused. But of one person only a few pieces are read and sent at once, and the
others wait for theirs. A piece that its reader does not take soon costs nothing, and leaves its
place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager

from .connections import OF_ONE_PERSON

PIECES_AT_ONCE = 6  # as many as there are requests of one browser
IN_ALL = OF_ONE_PERSON  # each has a file open; behind a proxy, connections do not bound them
SOON_SECONDS = 0.1  # that a piece takes at 640 KB/s


class TooManyDownloads(Exception):  # noqa: N818  (it becomes an answer)
    """A refusal: one person has too many under way."""


class Place:
    """The turn of one piece."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._is_held = True

    def leave(self) -> None:
        if self._is_held:
            self._is_held = False
            self._places.release()


class Share:
    """The downloads of one person."""

    def __init__(self) -> None:
        self.downloads = 0
        self.places = asyncio.Semaphore(PIECES_AT_ONCE)

    @asynccontextmanager
    async def piece(self) -> AsyncIterator[None]:
        """Wait for the turn of a piece, which ends with it, or when its reader lets it wait."""
        await self.places.acquire()
        place = Place(self.places)
        leaving = asyncio.get_running_loop().call_later(SOON_SECONDS, place.leave)
        try:
            yield
        finally:
            leaving.cancel()
            place.leave()


class Downloads:
    """Those of everybody."""

    def __init__(self) -> None:
        self._shares: dict[Hashable, Share] = {}

    @contextmanager
    def begin(self, who: Hashable) -> Iterator[Share]:
        """Count one more until it ends; raises TooManyDownloads."""
        share = self._shares.setdefault(who, Share())
        if share.downloads >= IN_ALL:
            raise TooManyDownloads
        share.downloads += 1
        try:
            yield share
        finally:
            share.downloads -= 1
            if not share.downloads:
                del self._shares[who]
