"""A queue that goes from owner to owner, so that nobody waits for all that one person sends."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """A queue for each owner, in the order in which things came; the owners take turns."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[Item]] = {}
        self._some = Condition()

    def put(self, item: Item, *, owner: int) -> None:
        with self._some:
            self._waiting.setdefault(owner, deque()).append(item)
            self._some.notify()

    def get(self) -> Item:
        """Take the next, and wait for one if there is none."""
        with self._some:
            while not self._waiting:
                self._some.wait()
            owner = next(iter(self._waiting))
            theirs = self._waiting.pop(owner)
            item = theirs.popleft()
            if theirs:
                self._waiting[owner] = theirs  # behind the others
            return item
