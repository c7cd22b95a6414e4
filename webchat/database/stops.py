"""The signals that stop a command, and the moments in which they come too late."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

ENDINGS = (signal.SIGTERM, signal.SIGHUP)  # a stop of the system, and a terminal that is closed
STOPS = (signal.SIGINT, *ENDINGS)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let every stop come too late: for the moment in which something is done as a whole."""
    before = {each: signal.getsignal(each) for each in STOPS}
    try:
        _handle(dict.fromkeys(STOPS, signal.SIG_IGN))
        yield
    finally:
        _handle(before)


def _handle(handlers: Mapping[signal.Signals, Any]) -> None:
    with suppress(ValueError):  # not in the main thread, which alone hears them
        for number, handler in handlers.items():
            signal.signal(number, handler)
