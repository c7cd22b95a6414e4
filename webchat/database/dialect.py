"""SQL expressions that another database would write differently."""

from __future__ import annotations

from collections.abc import Sequence

OWN_TABLES = "sqlite_"  # prefix of the tables that the database makes for itself


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


def one_list_each(expressions: Sequence[str]) -> str:
    """Express all rows of a query as one value, a JSON list with a list for each column."""
    return f"json_array({', '.join(f'json_group_array({each})' for each in expressions)})"
