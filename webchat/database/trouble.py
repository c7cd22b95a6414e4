"""The meaning of the database's errors."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

from django.db import DatabaseError, OperationalError

# The error of a connection that is not Django's.
DriverError = sqlite3.Error


class Trouble(Enum):
    LOCKED = auto()
    FULL = auto()
    FAILING = auto()  # the disk
    READONLY = auto()
    CLOSED = auto()  # the file, or its folder
    DAMAGED = auto()
    WITHOUT_TABLES = auto()


# In SQLite's errors, in any case of letters.
WORDS = {
    "locked": Trouble.LOCKED,
    "locking protocol": Trouble.LOCKED,
    "disk is full": Trouble.FULL,
    "disk i/o error": Trouble.FAILING,
    "readonly": Trouble.READONLY,
    "unable to open database file": Trouble.CLOSED,
    "malformed": Trouble.DAMAGED,
    "not a database": Trouble.DAMAGED,
    "no such table": Trouble.WITHOUT_TABLES,
    "no such column": Trouble.WITHOUT_TABLES,
}
OF_THE_MACHINE = (
    Trouble.LOCKED,
    Trouble.FULL,
    Trouble.FAILING,
    Trouble.READONLY,
    Trouble.CLOSED,
)

# The same troubles in the numbers of the system.
NUMBERS = {
    Trouble.FULL: errno.ENOSPC,
    Trouble.FAILING: errno.EIO,
    Trouble.READONLY: errno.EROFS,
    Trouble.CLOSED: errno.EACCES,
}


@contextmanager
def of_another_file() -> Iterator[None]:
    """Raise what a disk does to a copy as OSError without a name: ours is not in trouble."""
    try:
        yield
    except (DatabaseError, DriverError) as error:
        number = NUMBERS.get(trouble_of(error))  # type: ignore[arg-type]
        if number is None:
            raise
        raise OSError(number, os.strerror(number)) from error


def trouble_of(error: BaseException | None) -> Trouble | None:
    """Return the kind of trouble that an error of the database tells of; None for any other."""
    if not isinstance(error, (DatabaseError, DriverError)):
        return None
    words = str(error).lower()
    return next((trouble for phrase, trouble in WORDS.items() if phrase in words), None)


def is_database_trouble(error: BaseException | None) -> bool:
    """Return whether trying again later may help: the database is locked, full or unreachable."""
    if not isinstance(error, OperationalError):
        return False
    return trouble_of(error) in OF_THE_MACHINE


def is_number_too_large(error: BaseException) -> bool:
    """Return whether a query asked for a number that no row can have."""
    return isinstance(error, OverflowError) and "SQLite" in str(error)
