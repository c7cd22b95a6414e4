"""Locks that another process holds: reported in a sentence, and soon."""

from __future__ import annotations

import fcntl
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest

from webchat.database import locks

HANG_SECONDS = 30  # three are promised; a loaded machine may take its time
FLOCK = "import fcntl; file = open(sys.argv[1], 'r'); fcntl.flock(file, fcntl.LOCK_EX)"
READ_LOCK = "import fcntl; file = open(sys.argv[1], 'r'); fcntl.lockf(file, fcntl.LOCK_SH)"
WRITING = (
    "import sqlite3; database = sqlite3.connect(sys.argv[1], isolation_level=None);"
    "database.execute('BEGIN IMMEDIATE')"
)


@contextmanager
def holding(code, path):
    """Keep another process that has done `code` until the end of the block; yield its id."""
    script = f"import sys; {code}; print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "held\n"
        yield process.pid
    finally:
        process.communicate("")


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE message (text)")
    return path


def test_a_lock_is_had_by_one_and_its_file_is_for_its_owner(tmp_path):
    path = tmp_path / "a.lock"
    with locks.take(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(locks.HeldError):
            locks.take(path, seconds=0)
    with locks.take(path, fcntl.LOCK_SH), locks.take(path, fcntl.LOCK_SH):
        pass


def test_who_holds_a_lock_is_named_with_the_file(tmp_path):
    path = tmp_path / "a.lock"
    path.touch()
    with holding(FLOCK, path) as pid, pytest.raises(locks.HeldError) as refusal:
        locks.take(path, seconds=0.1)
    assert refusal.value.holders.startswith(f"{pid} python")
    for sentence in str(refusal.value).splitlines():
        assert str(path) in sentence
        assert str(pid) in sentence
    locks.take(path, seconds=0).close()


def test_a_lock_is_no_link_to_what_somebody_else_chose(tmp_path):
    (tmp_path / "a.lock").symlink_to(tmp_path / "chosen")
    with pytest.raises(OSError, match="symbolic links"):
        locks.take(tmp_path / "a.lock")
    assert not (tmp_path / "chosen").exists()


def test_a_database_that_is_free_is_reached_also_beside_readers(database):
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM message").fetchall()
        locks.reach_database(database, to_write=True)


def test_what_is_there_not_yet_or_is_no_database_is_for_others_to_say(tmp_path):
    locks.reach_database(tmp_path / "none.sqlite3", to_write=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "text").write_text("this is no database" * 100)
    locks.reach_database(tmp_path / "text", to_write=True)


def test_a_database_that_is_written_is_named_with_the_writer(database):
    with holding(WRITING, database) as pid:
        locks.reach_database(database, to_write=False)
        with pytest.raises(locks.HeldError, match=f"process {pid} python"):
            locks.reach_database(database, to_write=True)


def test_a_lock_on_the_log_of_the_database_never_makes_a_start_hang(database):
    with closing(sqlite3.connect(database)) as keeper:
        keeper.execute("SELECT * FROM message")
        with holding(READ_LOCK, f"{database}-shm") as pid:
            began = time.monotonic()
            with pytest.raises(locks.HeldError, match=str(pid)):
                locks.reach_database(database, to_write=True)
            assert time.monotonic() - began < HANG_SECONDS


def test_ones_own_locks_and_those_that_wait_are_nobody_elses(tmp_path):
    path = tmp_path / "a.lock"
    with locks.take(path):
        assert locks.holders_of([path, tmp_path / "none"]) == []
