from __future__ import annotations

import copy
import logging
import re
import threading
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar

from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.db import Error

from .database.trouble import DriverError

MESSAGE_CHARACTERS = 2000  # an address may be longer than anybody reads
CHAIN = 5  # exceptions behind exceptions
# Their words are the program's or the system's. Those of all others may be what somebody typed:
# a KeyError is the key, a UnicodeEncodeError the text.
PLAIN_SPOKEN = (
    AttributeError,
    Error,
    ImportError,
    ImproperlyConfigured,
    NameError,
    OSError,
    RecursionError,
    DriverError,
)
# One of them by its name: gunicorn's master writes lines, too, and needs no templates for it.
PLAIN_SPOKEN_NAME = ("django.template.exceptions", "TemplateDoesNotExist")

EVERY_SECONDS = 1.0
KIND_CHARACTERS = 40  # of a message that was formatted before it came here
KINDS = 1_000  # remembered at once

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class LineFormatter(logging.Formatter):
    """A formatter of one line a record, traceback too, so `grep` and the journal keep it whole.

    Each names the request in which it was written, as its answer does in `X-Request-ID`.
    Nobody can forge a line, or steer a terminal: what cannot be printed is escaped. For an
    exception there is its trace and its class, and its message only if it is PLAIN_SPOKEN.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(request_id)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.request_id = request_id.get()
        record.exc_text = None  # as another handler formatted it
        error = record.exc_info[1] if record.exc_info else None
        record.msg = _without_words(record.msg, error)
        if isinstance(record.args, tuple):
            record.args = tuple(_without_words(value, error) for value in record.args)
        return _escape(super().format(record).replace("\n", " | "))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        if record.name == "asyncio":
            # The rest are arguments: of callbacks, of tasks, of exceptions.
            record.message = re.split(r"[\n(<]", record.message)[0]
        record.message = _escape(record.message[:MESSAGE_CHARACTERS])
        return super().formatMessage(record)

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802
        # A stranger's Host header is no fault of ours to trace.
        if ei[1] is None or isinstance(ei[1], DisallowedHost):
            return ""
        return "\n".join(["Traceback:", *_trace(ei[1], CHAIN)])


class LineHandler(logging.StreamHandler):
    """A handler for stderr that does not print the arguments of what it cannot write."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass


class Sparingly(logging.Filter):
    """A filter for one warning or error of each kind a second, with how many were left out.

    A kind is a logger, a level, a message before its arguments are put in, and an exception's
    class. Anything that somebody can cause can be caused a hundred thousand times.
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
        """Return how many were left out since the last one; None if this one is left out, too."""
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
    """Make a logger with handlers of its own write sparingly, too."""
    if not any(isinstance(found, Sparingly) for found in logger.filters):
        logger.addFilter(Sparingly())


def _trace(error: BaseException, chain: int) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and chain > 1:
        yield from _trace(before, chain - 1)
        yield "and then"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} {frame.name}"
    yield _describe(error)


def _without_words(value: object, error: BaseException | None) -> object:
    """Remove an exception's words, which Django also puts into a record of its own."""
    if isinstance(value, BaseException):
        return _describe(value)
    is_told = error is not None and not isinstance(error, DisallowedHost) and value == str(error)
    return _describe(error) if error is not None and is_told else value


def _describe(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__
    is_plain = isinstance(error, PLAIN_SPOKEN) or (kind.__module__, name) == PLAIN_SPOKEN_NAME
    return f"{name}: {error}" if is_plain else name


def _escape(text: str) -> str:
    """Escape what no terminal prints: controls, line separators, directions (U+202E)."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
