"""A disk that fails is named: that of the data, of the backup that is read, or of the copy."""

from __future__ import annotations

import errno
import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from webchat.base import failures
from webchat.database import copies

UNREADABLE = Path("/proc/self/mem")  # EIO at its first byte, as from a disk that dies
COPY_BYTES = 64 * 1024  # of a copy, until the disk takes no more
pytestmark = pytest.mark.skipif(not UNREADABLE.exists(), reason="there is no such file here")


@pytest.fixture
def data(tmp_path, settings):
    """A database of half a megabyte."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATABASE_FILE = settings.DATA_DIR / "db.sqlite3"
    (settings.DATA_DIR / "attachments").mkdir(parents=True)
    with closing(sqlite3.connect(settings.DATABASE_FILE)) as database, database:
        for table in (*copies.COUNTED, "django_migrations"):
            database.execute(f"CREATE TABLE {table} (app, name)")
        database.execute("INSERT INTO chat_message VALUES (zeroblob(500000), '')")
    return settings.DATA_DIR


def reason(*command: str) -> str:
    with pytest.raises(CommandError) as refusal:
        call_command(*command)
    return str(refusal.value)


def test_a_backup_that_cannot_be_read_is_the_one_that_is_named(data):
    words = reason("restore", str(UNREADABLE))
    assert str(UNREADABLE) in words
    assert "系统日志" in words


def test_a_file_of_the_data_that_cannot_be_read_is_the_one_that_is_named(data, tmp_path):
    (data / "attachments/a.png").symlink_to(UNREADABLE)
    words = reason("backup", str(tmp_path / "usb"))
    assert "attachments/a.png" in words
    assert "usb" not in words


@pytest.fixture
def dying_disk():
    """A disk that takes only the beginning of a file: SQLite calls that a disk I/O error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (COPY_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_copy_that_cannot_be_written_is_about_its_own_disk(data, tmp_path, dying_disk):
    with pytest.raises(OSError, match="Input/output") as raised:
        copies.copy(data / "db.sqlite3", tmp_path / "copy.sqlite3")
    assert (raised.value.errno, raised.value.filename) == (errno.EIO, None)
    words = str(failures.explain(raised.value, at=Path("/mnt/usb")))
    assert "/mnt/usb" in words
    assert "db.sqlite3" not in words


def test_a_database_that_cannot_be_read_is_not_the_fault_of_the_copy(
    data, tmp_path, dying_disk, monkeypatch
):
    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, *mode: opened(UNREADABLE if "db" in path.name else path, *mode)
    )
    with pytest.raises(OSError, match="Input/output") as raised:
        copies.copy(data / "db.sqlite3", tmp_path / "copy.sqlite3")
    assert raised.value.filename == str(UNREADABLE)
