"""Output to a terminal, a pipe or a file that may not take all that a command says."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress

from django.core.management.base import OutputWrapper


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


def _let_go(stream: OutputWrapper) -> None:
    """Drop the stream, or Python would try again at its end and exit with its own status."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
