"""Questions that are asked with every request: made into SQL once, by the ORM, and asked often.

To build a query set and to compile it takes Django ten times as long as SQLite needs for the
answer. What differs from one time to the next is marked by `given` or `given_several`; everything
else, a moment too, stays as it was when the question was first asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import starmap
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler

from .dialect import given_list, one_row, uuid_text
from .prepared import fetch

M = TypeVar("M", bound=models.Model)
R = TypeVar("R")
Row = Sequence[Any]
Convert = Callable[[Any, Any, Any], Any]
ConvertColumn = Callable[[Sequence[Any], BaseDatabaseWrapper], list[Any]]

BOOLEANS = {0: False, 1: True}  # as SQLite has them; anything else stays as it is


@dataclass(frozen=True)
class _Place:
    """The place of a value among the parameters of a compiled question."""

    name: str
    is_list: bool = False


class _Given(Expression):
    def __init__(self, place: _Place) -> None:
        super().__init__()
        self.place = place

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return given_list() if self.place.is_list else "%s", (self.place,)


def given(name: str) -> Any:
    """Stand for a value in the filter of a query set: a number, a text, a moment."""
    return _Given(_Place(name))


def given_several(name: str) -> Any:
    """Stand for a list of numbers or texts, of any length, after `__in`."""
    return _Given(_Place(name, is_list=True))


class UuidText(Expression):
    """The UUIDs of a column as texts of 36 characters, which take Python longer to make."""

    def __init__(self, column: Any) -> None:
        super().__init__(output_field=models.CharField())
        self.column = column

    def get_source_expressions(self) -> list[Any]:
        return [self.column]

    def set_source_expressions(self, expressions: Sequence[Any]) -> None:
        [self.column] = expressions

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, _none = compiler.compile(self.column)
        return uuid_text(column), ()


class OneRow(Expression):
    """Several columns in one value, a list; None where the first of them is.

    Django's JSONArray asks the database first whether it knows JSON, which fails in a snapshot.
    """

    def __init__(self, *columns: Any) -> None:
        super().__init__(output_field=models.JSONField())
        self.columns = list(columns)

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, expressions: Sequence[Any]) -> None:
        self.columns = list(expressions)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        columns = [compiler.compile(column)[0] for column in self.columns]
        return f"CASE WHEN {columns[0]} IS NOT NULL THEN {one_row(columns)} END", ()


class _Compiled:
    """A query set as SQL, and the way from its rows to the values of Python."""

    def __init__(self, query_set: models.QuerySet[Any]) -> None:
        if query_set.query.is_sliced or vars(query_set)["_prefetch_related_lookups"]:
            raise ValueError("a question is neither sliced nor prefetches anything")
        connection = connections[DEFAULT_DB_ALIAS]
        self.compiler: SQLCompiler = query_set.query.get_compiler(connection=connection)
        self.sql, parameters = self.compiler.as_sql()
        self._parameters = tuple(parameters)
        self.columns = [column for column, _sql, _alias in self.compiler.select]
        converters = self.compiler.get_converters(self.columns)
        self._converters = [
            (position, _of_column(convert, column, connection))
            for position, (several, column) in converters.items()
            for convert in several
        ]

    def rows(self, at_most: int | None, values: dict[str, Any]) -> list[Row]:
        sql, connection = self.sql, connections[DEFAULT_DB_ALIAS]
        parameters = [
            _stored(values[each.name], connection) if isinstance(each, _Place) else each
            for each in self._parameters
        ]
        if at_most is not None:
            sql += " LIMIT %s"
            parameters.append(at_most)
        found: list[Row] = fetch(connection, sql, parameters)
        if not found or not self._converters:
            return found
        columns: list[Sequence[Any]] = list(zip(*found, strict=True))
        for position, convert in self._converters:
            columns[position] = convert(columns[position], connection)
        return list(zip(*columns, strict=True))


def _of_column(convert: Convert, column: Any, connection: BaseDatabaseWrapper) -> ConvertColumn:
    """Return the same conversion for the values of a column, which takes less than one by one.

    Without the settings that Django looks at for each moment, nor is a UUID looked through for
    braces and dashes: none are stored.
    """

    def convert_each(values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        return [None if value is None else convert(value, column, connection) for value in values]

    def in_utc(values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        return [
            value.replace(tzinfo=UTC)
            if isinstance(value, datetime) and value.tzinfo is None
            else value and convert(value, column, connection)
            for value in values
        ]

    def as_uuids(values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        return [None if value is None else UUID(int=int(value, 16)) for value in values]

    def as_booleans(values: Sequence[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        return list(map(BOOLEANS.get, values, values))

    if convert.__name__ == "convert_datetimefield_value" and connection.timezone is UTC:
        return in_utc
    known = {"convert_uuidfield_value": as_uuids, "convert_booleanfield_value": as_booleans}
    return known.get(convert.__name__, convert_each)


def _stored(value: Any, connection: BaseDatabaseWrapper) -> Any:
    if isinstance(value, (int, str)):
        return value
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(list(value))


class Question(Generic[M]):
    """A query set whose answers are instances of its model, as the query set itself makes them."""

    def __init__(self, make: Callable[[], models.QuerySet[M]]) -> None:
        self._make = make

    def all(self, *, at_most: int | None = None, **values: Any) -> list[M]:
        make = self._instance
        return [make(row) for row in self._compiled.rows(at_most, values)]

    def first(self, **values: Any) -> M | None:
        return next(iter(self.all(at_most=1, **values)), None)

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self._make())

    @cached_property
    def _instance(self) -> Callable[[Row], Any]:
        compiler = self._compiled.compiler
        make = _maker(compiler.klass_info, self._compiled.columns)
        annotations = list((compiler.annotation_col_map or {}).items())
        if not annotations:
            return make

        def make_annotated(row: Row) -> Any:
            instance = make(row)
            for name, position in annotations:
                instance.__dict__[name] = row[position]
            return instance

        return make_annotated


def _maker(info: Any, columns: Sequence[Any]) -> Callable[[Row], Any]:
    """Return what makes an instance of a row, with those that `select_related` has joined.

    As Django's ModelIterable and RelatedPopulator do, but for the signals of a model's `__init__`,
    and for a `setattr` a column, which is most of their time.
    """
    model: type[models.Model] = info["model"]
    fields = info["select_fields"]
    own = slice(fields[0], fields[-1] + 1)
    names = [column.target.attname for column in columns[own]]
    key = fields[0] + names.index(model._meta.pk.attname)
    related = [
        (each["local_setter"], each["remote_setter"], _maker(each, columns))
        for each in info.get("related_klass_infos", ())
    ]

    def make(row: Row) -> Any:
        if row[key] is None:  # of an outer join
            return None
        instance = model.__new__(model)
        state = instance.__dict__["_state"] = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        instance.__dict__.update(zip(names, row[own], strict=True))
        for set_here, set_there, make_other in related:
            other = make_other(row)
            set_here(instance, other)
            if other is not None:
                set_there(other, instance)
        return instance

    return make


class Listing(Generic[R]):
    """A query set of `values_list`, whose rows become what `as_row` makes of their values.

    An instance of a model takes ten times as long as a tuple: for lists of many.
    """

    def __init__(
        self, make: Callable[[], models.QuerySet[Any, Any]], as_row: Callable[..., R]
    ) -> None:
        self._make = make
        self._as_row = as_row

    def all(self, *, at_most: int | None = None, **values: Any) -> list[R]:
        return list(starmap(self._as_row, self._compiled.rows(at_most, values)))

    def first(self, **values: Any) -> R | None:
        return next(iter(self.all(at_most=1, **values)), None)

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self._make())
