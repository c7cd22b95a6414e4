"""The log is folded into the database beside its writers, and never grows for long."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from django.db import connection

from webchat.database import queueing, wal

PATIENCE = 2.0  # seconds; by itself, SQLite would wait for five


@pytest.fixture
def file(tmp_path):
    return tmp_path / "db.sqlite3"


@pytest.fixture
def writer(file):
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        database.execute("CREATE TABLE note (text TEXT)")
        yield database


@pytest.fixture
def reader(file, writer):
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        yield database


def begin_to_read(reader):
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM note").fetchall()


def write(writer, notes=1):
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO note VALUES (?)", [("x" * 3000,)] * notes)
    writer.execute("COMMIT")


def pages_in_log(writer):
    [(_busy, pages, _folded)] = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return pages


def in_the_file_alone(file, tmp_path):
    """Count the notes that are in the database itself, without its log."""
    alone = tmp_path / "alone"
    shutil.copy(file, alone)
    with closing(sqlite3.connect(f"{alone.as_uri()}?immutable=1", uri=True)) as database:
        return database.execute("SELECT count(*) FROM note").fetchone()[0]


def test_what_is_folded_is_in_the_database_itself(file, writer, tmp_path):
    write(writer, 20)
    wal.fold(file)
    assert in_the_file_alone(file, tmp_path) == 20


def logs(monkeypatch, before):
    """Have each statement on the log wait for what `before` does with it."""

    class Log(sqlite3.Connection):
        def execute(self, statement, *args):
            before(statement)
            return super().execute(statement, *args)

    monkeypatch.setattr(
        wal, "_open", lambda file, seconds: sqlite3.connect(file, timeout=seconds, factory=Log)
    )


@pytest.mark.parametrize("is_long", [True, False])
def test_a_long_log_starts_over_though_a_pass_left_some_of_it(
    file, writer, reader, monkeypatch, is_long
):
    asked = []

    def before(statement):
        asked.append(statement)
        if "RESTART" in statement:
            reader.close()

    logs(monkeypatch, before)
    write(writer, wal.LONG_PAGES if is_long else 100)
    begin_to_read(reader)
    write(writer)  # which no pass can copy while that reader reads
    wal.fold(file)
    write(writer)
    assert (pages_in_log(writer) < 10) is is_long
    assert ("PRAGMA wal_checkpoint(RESTART)" in asked) is is_long


def test_nobody_is_kept_from_writing_while_much_is_left(file, writer, monkeypatch):
    asked = []

    def before(statement):
        asked.append(statement)
        write(writer, wal.FEW_PAGES + 10)

    logs(monkeypatch, before)
    write(writer, wal.LONG_PAGES)
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        begin_to_read(reader)
        wal.fold(file)
    assert asked == ["PRAGMA wal_checkpoint(PASSIVE)"] * (1 + wal.PASSES)


def test_who_still_reads_the_log_holds_up_nothing(file, writer, reader):
    begin_to_read(reader)
    write(writer, wal.LONG_PAGES)
    began = time.monotonic()
    wal.fold(file)
    write(writer)
    reader.close()
    wal.fold(file)
    assert time.monotonic() - began < PATIENCE
    write(writer)
    assert pages_in_log(writer) < 10


def test_a_writer_is_not_waited_for(file, writer):
    write(writer, wal.LONG_PAGES)
    writer.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    wal.fold(file)
    assert time.monotonic() - began < PATIENCE
    writer.execute("COMMIT")


def test_nor_is_one_who_waits_for_a_writer(file, writer):
    write(writer, wal.LONG_PAGES)
    with queueing.first_in_line(1.0):
        began = time.monotonic()
        wal.fold(file)
        assert time.monotonic() - began < PATIENCE


def test_the_log_is_cut_after_it_has_been_folded(file, writer, monkeypatch):
    """SQLite would turn the cut away meanwhile, and deleted data would stay until another look."""
    is_folding, asked = threading.Event(), []

    def before(statement):
        is_first = not is_folding.is_set()
        is_folding.set()
        if is_first:
            time.sleep(0.2)
        asked.append(threading.current_thread())

    logs(monkeypatch, before)
    write(writer, 100)
    folding = threading.Thread(target=wal.fold, args=[file])
    folding.start()
    assert is_folding.wait(5)
    assert wal.truncate(file)
    folding.join()
    assert asked == [folding, threading.current_thread(), threading.current_thread()]
    assert wal.log_of(file).stat().st_size == 0


@pytest.mark.django_db(transaction=True)
def test_a_long_log_starts_over_when_no_thread_of_ours_asks_for_the_lock():
    asked = threading.Event()

    def ask():
        queueing.begin(connection)
        asked.set()
        connection.rollback()
        connection.close()

    with queueing.first_in_line(1.0) as is_first:
        assert is_first
        thread = threading.Thread(target=ask)
        thread.start()
        assert not asked.wait(0.2)
    thread.join()
    assert asked.is_set()


@pytest.mark.django_db
def test_no_commit_of_ours_folds_a_log_of_usual_length():
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_autocheckpoint")
        assert cursor.fetchone() == (wal.PAGES_AT_MOST,)
