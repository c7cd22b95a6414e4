"""The signals that stop a command, and the moments in which they come too late."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ENDINGS = (signal.SIGTERM, signal.SIGHUP)  # a stop of the system, and a terminal that is closed
STOPS = (signal.SIGINT, *ENDINGS)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let every stop come too late: for the moment in which something is done as a whole."""
    before = {}
    with suppress(ValueError):  # not in the main thread, which alone hears them
        before = {each: signal.signal(each, signal.SIG_IGN) for each in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
