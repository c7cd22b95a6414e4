"""The sockets of this process, by person."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Protocol

from .frames import BROKEN
from .visitors import Visitor

SOCKETS_OF_ONE_PERSON = 10

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """A socket, as those see it who tell it something or end it."""

    visitor: Visitor

    @property
    def user_id(self) -> int: ...

    def offer(self, frame: str, event_id: int = 0) -> None: ...

    def close(self, code: int) -> None: ...


class Hub:
    def __init__(self) -> None:
        self._by_user: dict[int, set[Listener]] = {}

    def __iter__(self) -> Iterator[Listener]:
        return iter([socket for sockets in self._by_user.values() for socket in sockets])

    def __len__(self) -> int:
        return sum(map(len, self._by_user.values()))

    def user_ids(self) -> set[int]:
        """The people with a socket here; safe from any thread."""
        return set(self._by_user)

    def has(self, user_id: int) -> bool:
        return user_id in self._by_user

    def add(self, socket: Listener) -> bool:
        """Take a socket in; False when the person already has as many as allowed here."""
        sockets = self._by_user.setdefault(socket.user_id, set())
        has_room = len(sockets) < SOCKETS_OF_ONE_PERSON
        if has_room:
            sockets.add(socket)
        return has_room

    def remove(self, socket: Listener) -> None:
        sockets = self._by_user.get(socket.user_id, set())
        sockets.discard(socket)
        if not sockets:
            self._by_user.pop(socket.user_id, None)

    def tell(self, user_id: int, frame: str, event_id: int = 0) -> None:
        # One that is too slow leaves while it is told.
        _offer(tuple(self._by_user.get(user_id, ())), frame, event_id)

    def tell_everyone(self, frame: str) -> None:
        _offer(self, frame)


def _offer(sockets: Iterable[Listener], frame: str, event_id: int = 0) -> None:
    for socket in sockets:
        try:
            socket.offer(frame, event_id)
        except Exception:
            # It comes back for what it missed; neither the others nor their acks wait for it.
            logger.exception("A socket could not be told")
            with suppress(Exception):
                socket.close(BROKEN)
