from __future__ import annotations

import time
from types import TracebackType

from django.core.management.base import OutputWrapper

from .telling import tell

WIDTH = 30  # characters of the bar
LINE_SECONDS = 5.0  # in a pipe or a log a line now and then is enough
BAR_SECONDS = 0.1


class Progress:
    """The progress of a long command: a bar on a terminal, plain lines in a pipe.

    When nobody reads it any more it is quiet, and the command goes on; so it is with a `total` of
    0, of which nothing can be a part: no files, or a pipe whose length nobody knows.

    `with Progress(self.stdout, "Passwords", len(people)) as progress: …; progress.step()`
    """

    def __init__(self, stream: OutputWrapper, label: str, total: int) -> None:
        self._stream = stream
        self._label = label
        self._total = total
        self._done = 0
        self._is_terminal = stream.isatty()
        self._is_heard = True
        self._shown_at = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._show("\n" if self._is_terminal else "")

    def step(self, count: int = 1) -> None:
        self._done += count
        pause = BAR_SECONDS if self._is_terminal else LINE_SECONDS
        if time.monotonic() - self._shown_at >= pause:
            self._show("")

    def _show(self, end: str) -> None:
        self._shown_at = time.monotonic()
        if not self._is_heard or not self._total:
            return
        share = min(self._done / self._total, 1)
        if self._is_terminal:
            bar = ("█" * round(share * WIDTH)).ljust(WIDTH, "·")
            words, ending = f"\r{self._label} {bar} {share:4.0%}{end}", ""
        else:
            words, ending = f"{self._label}: {self._done}/{self._total}", "\n"
        self._is_heard = tell(self._stream, words, ending)
