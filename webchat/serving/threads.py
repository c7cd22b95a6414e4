"""The threads that run requests; the one that has worked last takes the next.

A `ThreadPoolExecutor` of several threads goes round all of them, though one would do: each is cold
then, with a database connection and its cache. And each piece of work wakes a second thread,
which competes for the interpreter only to find nothing. So each thread is an executor of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

Work = Callable[[], None]


class Threads:
    """Some threads, which begin when they are first needed."""

    def __init__(self, count: int, name: str) -> None:
        self._all = [ThreadPoolExecutor(1, f"{name}-{number}") for number in range(count)]
        self._idle = self._all[::-1]  # the last is the next
        self._waiting: deque[Work] = deque()
        self._lock = Lock()

    def submit(self, work: Work) -> None:
        """Have a thread do it, now or when one has finished. Raises RuntimeError after the end."""
        with self._lock:
            if not self._idle:
                self._waiting.append(work)
                return
            thread = self._idle.pop()
        thread.submit(self._do, thread, work)

    def _do(self, thread: ThreadPoolExecutor, work: Work) -> None:
        try:
            work()
        finally:
            if (after := self._next(thread)) is not None:
                thread.submit(self._do, thread, after)

    def _next(self, thread: ThreadPoolExecutor) -> Work | None:
        """Return what this thread does next; without anything it is idle from now on."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(thread)
            return None

    def shutdown(self, *, wait: bool = True) -> None:
        """End them after what they are doing; what has waited is dropped."""
        with self._lock:
            self._waiting.clear()
        for thread in self._all:
            thread.shutdown(wait=wait)
