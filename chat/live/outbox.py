"""What sockets have to say within one turn of the loop, written at its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from .frames import BROKEN

logger = logging.getLogger(__name__)


class Speaker(Protocol):
    """A socket, as far as it writes."""

    def flush(self) -> None: ...

    def close(self, code: int) -> None: ...


class Outbox:
    """Has each socket write once in a turn, however many frames it was offered.

    The ack of a message and its event, and what a batch of the writer means for one person, are
    one piece, and one call of the kernel. Within `with outbox:` they write at its end, which spares
    the loop a turn.
    """

    def __init__(self) -> None:
        self._speakers: list[Speaker] = []
        self._is_held = False

    def __enter__(self) -> None:
        self._is_held = True

    def __exit__(self, *_error: object) -> None:
        self._is_held = False
        self._flush()

    def add(self, speaker: Speaker) -> None:
        if not self._speakers and not self._is_held:
            asyncio.get_running_loop().call_soon(self._flush)
        self._speakers.append(speaker)

    def _flush(self) -> None:
        speakers, self._speakers = self._speakers, []
        for speaker in speakers:
            try:
                speaker.flush()
            except Exception:
                # One that can no longer send must not seem to work.
                logger.exception("A socket could not be written to")
                with suppress(Exception):  # the others are yet to write
                    speaker.close(BROKEN)
