"""The return of everybody after a restart, spread so that pages are served meanwhile.

The server tells its sockets how long they should take for it: in `hello`, because a process that
is killed says no goodbye, and in the reason of the close, when it knows their number best.
"""

from __future__ import annotations

import time

from accounts import sessions

from .hub import Hub

A_SECOND = 350  # handshakes, at some 1.5 ms: half of a core is left to those who load a page
UNNOTICED_SECONDS = 0.5  # the first pause of a page by itself
REMEMBERED_SECONDS = 600.0  # after a start: by then those who were here before are back


class Returning:
    """Estimates how long everybody who is here would take to come back."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._before = 0  # people who were here shortly before the start …
        self._until = 0.0  # … and how long they are expected
        self._farewell: float | None = None

    def remember(self) -> None:
        """Expect those again whom a process before this one has served. Queries."""
        self._before = sessions.seen_lately()
        self._until = time.monotonic() + REMEMBERED_SECONDS

    def end(self) -> None:
        """Keep the number of those who are told goodbye from now on, one after the other."""
        self._farewell = self.seconds()

    def seconds(self) -> float:
        """Return the seconds; 0.0 for so few that their own pauses are enough."""
        if self._farewell is not None:
            return self._farewell
        before = self._before if time.monotonic() < self._until else 0
        seconds = max(len(self._hub), before) / A_SECOND
        return round(seconds, 1) if seconds > UNNOTICED_SECONDS else 0.0

    def reason(self) -> str:
        """Put it into the reason of a close (RFC 6455, 7.1.6)."""
        seconds = self.seconds()
        return f"spread={seconds}" if seconds else ""
