"""Output to a terminal, a pipe or a file that may not take all that a command says."""

from __future__ import annotations

import atexit
import io
import os
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from django.core.management.base import OutputWrapper


def show_what_can_be_shown() -> None:
    """Let this process write escapes for what the encoding of its terminal or log does not know.

    By default Python gives up: a ✓ in GBK, or Chinese in ISO-8859-1, would end a backup or a start.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def tell(stream: OutputWrapper, words: str, ending: str = "\n") -> bool:
    """Write at once what the stream's encoding knows, the rest as escapes.

    Returns False if nobody takes it: a reader that has left (`| head`), a full disk, a closed
    terminal. Nothing is raised: no output may undo or hide what it reports.
    """
    try:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(words.encode(encoding, "backslashreplace").decode(encoding), ending=ending)
        stream.flush()
    except (OSError, ValueError, AttributeError):  # the last one: closed before we began
        atexit.register(_let_go, stream)
        return False
    return True


def finish(stream: IO[str] | None) -> bool:
    """Write out what a command has said; False if that is lost, as on a full disk.

    A reader that has left (`| head`) has read what it wanted; None is an output that was closed.
    """
    if stream is None:
        return True
    try:
        stream.flush()
    except BrokenPipeError:
        _let_go(stream)
    except OSError:
        _let_go(stream)
        return False
    return True


def _let_go(stream: OutputWrapper | IO[str]) -> None:
    """Drop the stream, or Python would try again at its end and exit with its own status."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
