"""Rows fetched again inside the transaction that changes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ObjectDoesNotExist
from django.db import models, transaction
from django.http import Http404


@contextmanager
def holding(*rows: models.Model) -> Iterator[None]:
    """Begin the transaction of a change, and bring the rows it concerns up to date in it.

    Others may act between the look and the lock. A row that was deleted since is not found
    (Http404), just as if it had been asked for a moment later; inside, none can be deleted.
    """
    with transaction.atomic():
        for row in rows:
            _bring_up_to_date(row)
        yield


def _bring_up_to_date(row: models.Model) -> None:
    """Refresh a row and what was loaded with it, in one query; annotations stay as they were."""
    fields = [field for field in row._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    loaded = [field.name for field in fields if field.is_cached(row)]
    rows = type(row)._base_manager.all()
    try:
        row.refresh_from_db(from_queryset=rows.select_related(*loaded) if loaded else rows)
    except ObjectDoesNotExist:
        raise Http404 from None
