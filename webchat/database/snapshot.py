from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Let every query inside see the database as the first of them saw it.

    A page's content and the event id from which it goes on must be of one moment, or an
    event between two queries would be counted twice or never. `atomic()` would do, but here
    it takes the write lock (`transaction_mode: IMMEDIATE`), which a reader never needs.
    Nothing may be written inside.
    """
    if connection.in_atomic_block or getattr(connection, "in_read_snapshot", False):
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        connection.in_read_snapshot = True  # type: ignore[attr-defined]
        try:
            yield
        finally:
            connection.in_read_snapshot = False  # type: ignore[attr-defined]
            cursor.execute("ROLLBACK")


def of_one_moment(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Render a page from one snapshot; its form, when posted, is handled outside of it."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        with read_snapshot():
            return view(request, *args, **kwargs)

    return wrapped
