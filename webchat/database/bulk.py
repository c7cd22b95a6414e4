"""Inserts of many rows at once, without a model instance for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from django.db import connection, models, transaction


def stored(model: type[models.Model], name: str, value: Any) -> Any:
    """Return a value as the database keeps it."""
    return _field(model, name).get_db_prep_save(value, connection)


def loaded(model: type[models.Model], name: str, value: Any) -> Any:
    """Turn what the database keeps into a value again: the way back from `stored`."""
    if value is None:
        return None
    field = _field(model, name)
    for convert in connection.ops.get_db_converters(field.cached_col):
        value = convert(value, field.cached_col, connection)
    return value


def insert(
    model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> range:
    """Insert rows of `stored` values; return their ids, in the order of the rows.

    It is `bulk_create` in a tenth of the time. RETURNING would cost a busy process more than
    the insert: for each row that SQLite hands out, the threads pass the interpreter around.
    """
    if not rows:
        return range(0)
    most = at_most(1 + len(names))
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        ids = next_ids(model, len(rows))
        for start in range(0, len(rows), most):
            part = zip(ids[start : start + most], rows[start : start + most], strict=True)
            values = [value for pk, row in part for value in (pk, *row)]
            count = len(values) // (1 + len(names))
            cursor.execute(insert_statement(model, ("id", *names), count), values)
    return ids


def update(
    model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Update rows: each is an id, and `stored` values. In a tenth of the time of `bulk_update`."""
    columns = ", ".join(f"{_field(model, name).column} = %s" for name in names)
    statement = f"UPDATE {model._meta.db_table} SET {columns} WHERE id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(*values, pk) for pk, *values in rows])


def next_ids(model: type[models.Model], count: int) -> range:
    """Return the next ids of AUTOINCREMENT; ours, as the transaction has the write lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        last = next(iter(cursor.fetchone() or ()), 0)
    return range(last + 1, last + 1 + count)


def at_most(columns: int) -> int:
    """Return how many rows of so many columns fit into one statement."""
    limit = connection.features.max_query_params
    return limit // columns if limit else 1000


def placeholders(columns: int, rows: int) -> str:
    row = f"({', '.join(['%s'] * columns)})"
    return ", ".join([row] * rows)


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


@lru_cache(maxsize=1024)
def insert_statement(model: type[models.Model], names: tuple[str, ...], rows: int) -> str:
    """Return the SQL that inserts so many rows of `stored` values."""
    table = model._meta.db_table
    columns = ", ".join(str(_field(model, name).column) for name in names)
    return f"INSERT INTO {table} ({columns}) VALUES {placeholders(len(names), rows)}"  # noqa: S608
