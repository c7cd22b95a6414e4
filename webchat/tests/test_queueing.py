"""The write lock goes to who asked first, as far as this process is concerned."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

import pytest
from django.db import OperationalError, connection, transaction

from webchat import costs, queueing

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
    assert max(waits) <= 4, "the one who had it, two before us, and one who slipped in"


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
