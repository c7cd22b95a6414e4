from __future__ import annotations

import logging
import threading
import time
from contextvars import ContextVar

from django.core.exceptions import DisallowedHost

EVERY_SECONDS = 1.0
KIND_CHARACTERS = 40  # of a message that was put together before it came here
KINDS = 1_000  # remembered at once

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class LineFormatter(logging.Formatter):
    """One line a record, a traceback too, so that `grep` and the journal keep it whole.

    Each names the request in which it was written, as its answer does in `X-Request-ID`.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(request_id)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        return super().format(record).replace("\r", "").replace("\n", " | ")

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802
        # A stranger's Host header is no fault of ours to trace.
        return "" if isinstance(ei[1], DisallowedHost) else super().formatException(ei)


class Sparingly(logging.Filter):
    """Let a warning or an error of each kind through once a second, with how many were left out.

    A kind is a logger, a level, a message before its arguments are put in, and an exception's
    class. What somebody can cause can be caused a hundred thousand times.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        error = record.exc_info[0] if record.exc_info else None
        kind = (record.name, record.levelno, str(record.msg)[:KIND_CHARACTERS], error)
        left_out = self._count(kind, time.monotonic())
        if left_out:
            record.msg = f"{record.msg} (and {left_out} more like it)"
        return left_out is not None

    def _count(self, kind: tuple[object, ...], now: float) -> int | None:
        """How many were left out since the last one; None if this one is left out, too."""
        with self._lock:
            since, left_out = self._seen.get(kind, (-EVERY_SECONDS, 0))
            if now - since < EVERY_SECONDS:
                self._seen[kind] = since, left_out + 1
                return None
            if len(self._seen) >= KINDS:
                self._seen.clear()
            self._seen[kind] = now, 0
            return left_out


def quieten(logger: logging.Logger) -> None:
    """Have a logger with handlers of its own write sparingly, too."""
    if not any(isinstance(found, Sparingly) for found in logger.filters):
        logger.addFilter(Sparingly())
