"""Bulk deletion while people write: a little at a time, in short transactions of their own."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from webchat.database.stops import STOPS

from .terminal import Terminated

Batches = Generator[int, None, None]

ROWS_AT_ONCE = 100  # some ms, and never a tenth of a second


@dataclass(frozen=True, slots=True)
class Chore:
    """One kind of pruning: its label, how much there is, and the work, which counts each batch."""

    label: str
    count: Callable[[], int]
    work: Callable[[], Batches]


def rows_chore(label: str, rows: QuerySet[Any], *, at_once: int = ROWS_AT_ONCE) -> Chore:
    return Chore(label, rows.count, lambda: _delete(rows, at_once))


@contextmanager
def short_transaction() -> Iterator[None]:
    """Hold a transaction, then pause for as long: waiting writers only look now and then."""
    began = time.monotonic()
    with transaction.atomic():
        yield
    time.sleep(time.monotonic() - began)


class CtrlC:
    """A guard that lets Ctrl+C, and SIGTERM, wait for the end of a batch; a second one does not.

    One that came after the last check is raised at the end. What whoever started us wants ignored
    (nohup, `&` of a script) stays ignored.
    """

    def __enter__(self) -> CtrlC:
        self._number = 0  # of the signal that has come
        found = {each: signal.getsignal(each) for each in STOPS}
        self._before = {each: found[each] for each in STOPS if found[each] != signal.SIG_IGN}
        for each in self._before:
            signal.signal(each, self._note)
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if exc_type is None:
            self.check()

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was pressed, or Terminated."""
        number, self._number = self._number, 0
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        if number:
            raise Terminated(number)

    def _note(self, number: int, _frame: object) -> None:
        self._number = number
        signal.signal(number, self._before[signal.Signals(number)])


def _delete(rows: QuerySet[Any], at_once: int) -> Batches:
    label = rows.model._meta.label
    while keys := list(rows.values_list("pk", flat=True)[:at_once]):
        with short_transaction():
            # Asked again: somebody may have changed one since.
            _all, by_model = rows.filter(pk__in=keys).delete()
        yield by_model.get(label, 0)
