"""The write lock goes to whoever asked first, as far as this process is concerned."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

import pytest
from django.db import OperationalError, connection, transaction

from chat.models import EventLog
from webchat.database import costs, queueing

HELD_SECONDS = 0.03


def in_threads(*functions):
    def run(function):
        try:
            function()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.django_db(transaction=True)
def test_who_writes_without_end_lets_in_who_has_asked():
    """Three writers that hold the lock 30 ms each, and one that wants it eight times."""
    is_over, got = threading.Event(), []

    def write_on(name):
        while not is_over.is_set():
            with transaction.atomic():
                got.append(name)
                time.sleep(HELD_SECONDS)

    waits = []

    def write_now_and_then():
        for _number in range(8):
            asked = len(got)
            with transaction.atomic():
                waits.append(len(got) - asked)
            time.sleep(HELD_SECONDS)
        is_over.set()

    threads = in_threads(*(lambda name=name: write_on(name) for name in "abc"), write_now_and_then)
    for thread in threads:
        thread.join(20)
    assert len(waits) == 8
    # The one who had it and two before us; a few more where threads wait for a processor. Without
    # a line it is tens of them, or the time is up.
    assert max(waits) <= 8


@pytest.mark.django_db(transaction=True)
def test_all_who_wait_give_up_in_time_when_another_program_holds_the_lock(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.6)
    gave_up = []

    def write():
        connection.settings_dict["OPTIONS"]["timeout"] = 0.6
        began = time.monotonic()
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
        gave_up.append(time.monotonic() - began)

    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for thread in in_threads(*[write] * 5):
            thread.join(10)
    assert len(gave_up) == 5
    assert max(gave_up) < 1.5
    assert not queueing._first.locked()
    with transaction.atomic():
        pass


@pytest.mark.django_db(transaction=True)
def test_a_write_of_its_own_stands_in_the_line_too():
    is_over, got = threading.Event(), []

    def write_on():
        while not is_over.is_set():
            with transaction.atomic():
                got.append(1)
                time.sleep(HELD_SECONDS)

    def write_once():
        waits = []
        for number in range(8):
            asked = len(got)
            EventLog.objects.update_or_create(pk=1)
            EventLog.objects.filter(pk=1).update(head_at_least=number)
            waits.append(len(got) - asked)
            time.sleep(HELD_SECONDS)
        is_over.set()
        assert max(waits) <= 10, "twice as long as one who writes once"

    failures = []

    def checked():
        try:
            write_once()
        except BaseException as error:
            failures.append(error)
            is_over.set()

    for thread in in_threads(write_on, write_on, write_on, checked):
        thread.join(20)
    assert failures == []


@pytest.mark.django_db(transaction=True)
def test_an_error_that_no_waiting_mends_is_raised_at_once():
    """A snapshot that has been overtaken cannot become a transaction that writes."""
    EventLog.objects.update_or_create(pk=1)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        reading = connection.connection.cursor().execute(
            "SELECT 1 FROM chat_eventlog UNION ALL SELECT 2"
        )
        reading.fetchone()
        other.execute("UPDATE chat_eventlog SET head_at_least = 7")
        began = time.monotonic()
        with pytest.raises(OperationalError), transaction.atomic():
            pass
        assert time.monotonic() - began < 1
        reading.close()


@pytest.mark.django_db
def test_the_time_of_a_commit_counts_as_a_cost(tmp_path):
    connection.ensure_connection()
    assert isinstance(connection.connection, costs.Connection)
    path = tmp_path / "one.sqlite3"
    with (
        closing(sqlite3.connect(path, factory=costs.Connection, timeout=0.2)) as writer,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        writer.execute("CREATE TABLE t (x)")
        writer.commit()
        reader.execute("BEGIN").execute("SELECT * FROM t").fetchall()
        writer.execute("INSERT INTO t VALUES (1)")
        before = costs.spent()
        with pytest.raises(sqlite3.OperationalError):
            writer.commit()  # waits for the reader, as this database has no write-ahead log
        assert costs.spent() - before > 0.15
