"""The room that deleted rows leave in the file goes back to the disk."""

from __future__ import annotations

import io
import os
import re
import signal
import sqlite3
from contextlib import closing, nullcontext

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from webchat.base.terminal import Terminated
from webchat.database import locks, room
from webchat.management.commands import vacuum as command

MEGABYTE = 1024 * 1024


@pytest.fixture
def file(tmp_path, settings):
    """A database of eight megabytes, of which seven are free."""
    settings.DATA_DIR = tmp_path
    settings.DATABASE_FILE = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(settings.DATABASE_FILE, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, text BLOB)")
        fill(database)
    return settings.DATABASE_FILE


def fill(database):
    database.execute("BEGIN")
    texts = ([os.urandom(3000)] for _each in range(2500))
    database.executemany("INSERT INTO message (text) VALUES (?)", texts)
    database.execute("DELETE FROM message WHERE id % 8")
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rows(file):
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return database.execute("SELECT id, hex(text) FROM message").fetchall()


def vacuum(*options):
    out = io.StringIO()
    call_command("vacuum", *options, stdout=out)
    return out.getvalue()


def test_the_first_time_writes_the_file_again_and_later_ones_go_in_steps(file):
    before, size = rows(file), file.stat().st_size
    found = room.measure(file)
    assert (found.in_steps, found.free > 5 * MEGABYTE) == (False, True)
    vacuum("--dry-run")
    assert file.stat().st_size == size
    told = vacuum()
    assert "第一次" in told
    assert "9.8 MB" in told.splitlines()[0], "with the space of a terminal"
    assert re.search(r"\b1\.\d MB", told.splitlines()[-1])
    assert rows(file) == before
    assert file.stat().st_size < 2 * MEGABYTE
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        fill(database)
    before = rows(file)
    assert room.measure(file).in_steps
    steps = list(room.give_back(file))
    assert 3 < len(steps) < 500, "a step is more than a page"
    assert sum(steps) > 5 * MEGABYTE
    assert room.measure(file).free == 0
    assert rows(file) == before
    assert file.stat().st_size < 4 * MEGABYTE
    assert vacuum().count("\n") == 1


def test_people_write_between_two_steps(file):
    vacuum()
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        fill(database)
    at_once = 0  # seconds to wait for a lock
    with closing(sqlite3.connect(file, timeout=at_once, isolation_level=None)) as writer:
        written = 0
        for _ in room.give_back(file):
            writer.execute("INSERT INTO message (text) VALUES (x'00')")
            written += 1
    assert written > 3


def test_under_a_running_server_a_long_one_is_refused_unless_somebody_is_sure(file, monkeypatch):
    monkeypatch.setattr(command, "NOTICED_SECONDS", 0)
    size = file.stat().st_size
    with locks.take(locks.serving_lock()):
        with pytest.raises(CommandError, match="--yes"):
            vacuum()
        assert file.stat().st_size == size
        vacuum("--yes")
    assert file.stat().st_size < size / 2


def test_without_room_nothing_is_begun(file, monkeypatch):
    size = file.stat().st_size
    usage = room.shutil.disk_usage(file.parent)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(CommandError, match="磁盘"):
        vacuum()
    assert file.stat().st_size == size


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_stop_ends_the_first_time_and_leaves_the_file_as_it_was(file, monkeypatch, number, error):
    monkeypatch.setattr(room, "STEPS_A_BEAT", 10)
    before, size = rows(file), file.stat().st_size
    handler, steps = signal.signal(number, signal.default_int_handler), []

    def stop_at_the_tenth(progress, count=1):
        steps.append(count)
        if len(steps) == 10:
            signal.raise_signal(number)

    monkeypatch.setattr(command.Progress, "step", stop_at_the_tenth)
    try:
        with pytest.raises(CommandError) as stopped:
            vacuum()
    finally:
        signal.signal(number, handler)
    assert stopped.value.returncode == 128 + number
    assert isinstance(stopped.value.__cause__, error)
    assert len(steps) == 10
    assert (rows(file), file.stat().st_size) == (before, size)
    vacuum()
    assert rows(file) == before
    assert file.stat().st_size < size / 2


def test_temporary_files_are_where_sqlite_puts_them(tmp_path, monkeypatch):
    folders = {name: tmp_path / name for name in ("SQLITE_TMPDIR", "TMPDIR", "last")}
    monkeypatch.setattr(room, "TEMPORARY", [str(folders["last"])])
    for name, folder in reversed(folders.items()):
        monkeypatch.setenv(name, str(folder))  # not there: it is passed over
        with pytest.raises(PermissionError) if name == "last" else nullcontext():
            room._temporary()
        folder.mkdir()
        assert room._temporary() == folder


def test_where_no_temporary_file_can_be_nothing_is_begun(file, monkeypatch):
    monkeypatch.setattr(room, "TEMPORARY", [str(file)])
    for name in room.NAMED_IN:
        monkeypatch.delenv(name, raising=False)
    size = file.stat().st_size
    with pytest.raises(CommandError, match="没有权限"):
        vacuum()
    assert file.stat().st_size == size


def test_what_is_there_no_more_is_not_made(file):
    file.unlink()
    with pytest.raises(CommandError):
        vacuum()
    assert not file.exists()
