"""The meaning of the database's errors."""

from __future__ import annotations

import sqlite3

from django.db import OperationalError

# The error of a connection that is not Django's.
DriverError = sqlite3.Error
# In SQLite's errors for BUSY and LOCKED, FULL, IOERR, READONLY and CANTOPEN.
TROUBLE = ("locked", "disk is full", "disk i/o error", "readonly", "unable to open database file")


def is_database_trouble(error: BaseException | None) -> bool:
    """Return whether trying again later may help: the database is locked, full or unreachable."""
    return isinstance(error, OperationalError) and any(
        reason in str(error).lower() for reason in TROUBLE
    )


def is_number_too_large(error: BaseException) -> bool:
    """Return whether a query asked for a number that no row can have."""
    return isinstance(error, OverflowError) and "SQLite" in str(error)
