"""The time that a query may take before SQLite gives it up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

# Of SQLite's virtual machine, between two looks at the clock: half a millisecond of usual rows, and
# at most 30 ms if each row holds a text of the greatest length.
STEPS = 5_000


class TookTooLong(Exception):  # noqa: N818  (not an error: the asker is told, or gets a part)
    pass


@contextmanager
def limit_statements(seconds: float) -> Iterator[None]:
    """Give up what the block reads once it has used that many processor seconds.

    Raises TookTooLong. Only for reading: in a transaction that has written, SQLite would roll all
    of it back. Not to be nested.
    """
    connection.ensure_connection()
    database = connection.connection
    until = time.thread_time() + seconds
    database.set_progress_handler(lambda: time.thread_time() > until, STEPS)
    try:
        yield
    except OperationalError as error:
        if "interrupted" not in str(error):
            raise
        raise TookTooLong from error
    finally:
        database.set_progress_handler(None, 0)
