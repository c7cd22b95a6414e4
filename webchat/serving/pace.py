"""The pace at which a reader takes what is sent, by what its machine has acknowledged.

That our kernel has taken it says nothing: it buffers up to 4 MB, and takes more in lumps.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

BYTES_A_SECOND = 1024  # the least; a phone on the slowest line takes five times as much
GRACE_SECONDS = 30  # over which that is counted
LUMP_SEGMENTS = 1.5  # that a reader has to take before its machine says so
UNANSWERED_SECONDS = 20  # after which a silent machine is taken for dead

# struct tcp_info of linux/tcp.h, as far as it is needed; the kernel only ever appends to it.
TCP_INFO = struct.Struct("3xB 12xI 4xI 28xI 60xQ 16xI")


class Reception(NamedTuple):
    """The state of one connection as the kernel knows it."""

    probes: int  # sent into a closed window since the last answer
    segment: int  # bytes
    on_their_way: int  # segments that were sent and not acknowledged
    silent_ms: int  # since the last acknowledgement
    acknowledged: int  # bytes in all
    unsent: int  # bytes that wait in the kernel for the reader's window

    @property
    def is_taken(self) -> bool:
        return not self.unsent and not self.on_their_way

    @property
    def is_unanswered(self) -> bool:
        """Whether something waits for an answer; a program that only pauses answers probes."""
        return self.on_their_way > 0 or self.probes > 1


def reception(sock: socket.socket) -> Reception | None:
    """Ask the kernel; None if it cannot tell: a unix socket, or one that is closed."""
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size)
        return Reception(*TCP_INFO.unpack(raw))
    except (OSError, struct.error):
        return None


class Pace:
    """The credit of a reader who has not taken everything: 30 s, and a second for each KB."""

    def __init__(self, now: float, found: Reception) -> None:
        self._credit = _most(found)
        self._at = now
        self._acknowledged = found.acknowledged

    def is_kept(self, now: float, found: Reception) -> bool:
        taken = (found.acknowledged - self._acknowledged) / BYTES_A_SECOND
        self._credit = min(self._credit + taken - (now - self._at), _most(found))
        self._at, self._acknowledged = now, found.acknowledged
        return self._credit > 0


def _most(found: Reception) -> float:
    """Return the seconds of credit: enough for one lump, 64 KB within one machine."""
    return max(GRACE_SECONDS, LUMP_SEGMENTS * found.segment / BYTES_A_SECOND)


class Pulse:
    """A check that a machine still answers, for a socket without a TCP_USER_TIMEOUT."""

    def __init__(self) -> None:
        self._asked_at: float | None = None

    def is_there(self, now: float, found: Reception) -> bool:
        if not found.is_unanswered or found.silent_ms < UNANSWERED_SECONDS * 1000:
            self._asked_at = None
        elif self._asked_at is None:
            self._asked_at = now
        # Bytes sent a moment ago, after a long silence of our own, are not answered yet.
        return self._asked_at is None or now - self._asked_at < UNANSWERED_SECONDS
