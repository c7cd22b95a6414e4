"""SQL expressions that another database would write differently."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

OWN_TABLES = "sqlite_"  # prefix of the tables that the database makes for itself


def stored_uuid(value: UUID) -> str:
    """Return a UUID as the database keeps it."""
    return value.hex


def stored_moment(value: datetime) -> str:
    """Return an aware moment as the database keeps it."""
    return str(value.astimezone(UTC).replace(tzinfo=None))


def given_rows(columns: int) -> str:
    """Return a query of the rows in one parameter, a JSON list of lists.

    Its columns: the position of the row, from 0, and then its values.
    """
    values = (f"json_extract(value, '$[{column}]')" for column in range(columns))
    return f"SELECT key, {', '.join(values)} FROM json_each(%s)"  # noqa: S608


def given_list() -> str:
    """Return a query of the values in one parameter, a JSON list, to look for with IN."""
    return "(SELECT value FROM json_each(%s))"


def one_list(expressions: Sequence[str]) -> str:
    """Express all rows of a query as one value, a JSON list of lists."""
    return f"json_group_array(json_array({', '.join(expressions)}))"


def one_row(expressions: Sequence[str]) -> str:
    """Express the columns of a row as one value, a JSON list."""
    return f"json_array({', '.join(expressions)})"


def one_list_each(expressions: Sequence[str]) -> str:
    """Express all rows of a query as one value, a JSON list with a list for each column."""
    return f"json_array({', '.join(f'json_group_array({each})' for each in expressions)})"


def uuid_text(column: str) -> str:
    """Express a UUID as text in its form of 36 characters."""
    parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    return "||'-'||".join(f"substr({column}, {start}, {length})" for start, length in parts)


def list_of(expression: str, query: str) -> str:
    """Express the rows of a subquery as one value, a JSON list, for a column of `one_list`."""
    return f"json((SELECT json_group_array({expression}) FROM ({query})))"  # noqa: S608
