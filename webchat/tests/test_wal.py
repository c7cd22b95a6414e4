"""The log is folded into the database beside its writers, and never grows for long."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing

import pytest
from django.db import connection

from webchat.database import queueing, wal


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


@pytest.mark.parametrize("is_long", [True, False])
def test_a_long_log_begins_anew_though_the_first_pass_could_not_end(
    file, writer, monkeypatch, is_long
):
    reader = sqlite3.connect(file, isolation_level=None)

    class Log(sqlite3.Connection):
        def execute(self, statement, *args):
            done = super().execute(statement, *args)
            reader.close()
            return done

    monkeypatch.setattr(wal, "_open", lambda file, _seconds: sqlite3.connect(file, factory=Log))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM note").fetchall()
    write(writer, wal.LONG_PAGES if is_long else 100)
    wal.fold(file)
    write(writer)
    assert (pages_in_log(writer) < 10) is is_long


def test_who_still_reads_the_log_holds_up_nothing(file, writer):
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM note").fetchall()
        write(writer, wal.LONG_PAGES)
        wal.fold(file)
        write(writer)
    wal.fold(file)
    write(writer)
    assert pages_in_log(writer) < 10


def test_a_writer_is_not_waited_for(file, writer):
    write(writer, wal.LONG_PAGES)
    writer.execute("BEGIN IMMEDIATE")
    wal.fold(file)
    writer.execute("COMMIT")


@pytest.mark.django_db(transaction=True)
def test_a_long_log_begins_anew_when_no_thread_of_ours_asks_for_the_lock():
    asked = threading.Event()

    def ask():
        queueing.begin(connection)
        asked.set()
        connection.rollback()
        connection.close()

    with queueing.first_in_line():
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
    assert wal.PAGES_AT_MOST > 2 * wal.LONG_PAGES
