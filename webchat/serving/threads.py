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
        self._name = name
        self._all = [self._make(number) for number in range(count)]
        self._idle = self._all[::-1]  # the last is the next
        self._waiting: deque[Work] = deque()
        self._is_over = False
        self._lock = Lock()

    def submit(self, work: Work) -> None:
        """Have a thread do it, now or when one has finished.

        Raises RuntimeError after the end, or when the system has no thread to spare.
        """
        with self._lock:
            if not self._idle:
                self._waiting.append(work)
                return
            thread = self._idle.pop()
        try:
            thread.submit(self._do, thread, work)
        except BaseException:
            self._replace(thread)
            raise

    def _replace(self, thread: ThreadPoolExecutor) -> None:
        """Have another in place of one that the system could not begin, and that keeps its work."""
        with self._lock:
            if not self._is_over:
                number = self._all.index(thread)
                self._all[number] = self._make(number)
                self._idle.insert(0, self._all[number])

    def _make(self, number: int) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, f"{self._name}-{number}")

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
            self._is_over = True
            self._waiting.clear()
        for thread in self._all:
            thread.shutdown(wait=wait)
