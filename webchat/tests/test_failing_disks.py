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
from django.db import OperationalError

from webchat.base import failures
from webchat.database import archive, backup, copies

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


def test_a_file_that_is_copied_is_about_the_disk_that_fails(data, tmp_path, dying_disk):
    """As `shutil` has it, every failure would be one of the source."""
    for source, target, named in (
        (data / "db.sqlite3", tmp_path / "copy", "copy"),
        (UNREADABLE, tmp_path / "other", str(UNREADABLE)),
    ):
        with pytest.raises(OSError, match="large|Input") as raised:
            archive.copy_file(source, target)
        assert str(raised.value.filename).endswith(named)


@pytest.mark.parametrize("full", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("is_old", [True, False])
def test_a_disk_that_is_full_at_the_last_steps_is_the_one_that_is_named(
    data, tmp_path, settings, monkeypatch, is_old, full
):
    """The database is on a disk of its own: the old one goes beside the data, the new one to it."""

    def fill(_source, target):
        raise OSError(full, "full", None)

    settings.DATABASE_FILE = (data / "db.sqlite3").rename(tmp_path / "db.sqlite3")
    monkeypatch.setattr("webchat.database.archive.shutil.copyfileobj", fill)
    for name in ("link", "rename"):
        monkeypatch.setattr(f"webchat.database.backup.os.{name}", lambda *_args: fill(0, 0))
    work = backup._old_kept() if is_old else backup._on_the_disk_of_ours(settings.DATABASE_FILE)
    with pytest.raises(OSError, match="full") as raised, work:
        pytest.fail("it is full")
    named = Path(raised.value.filename)
    assert named.is_relative_to(data) == is_old
    words = str(failures.explain(raised.value))
    assert str(data if is_old else tmp_path) in words
    assert ".restore-" not in words


@pytest.mark.parametrize("step", ["schema.migrate", "schema.check_tables", "copies.start_over"])
@pytest.mark.parametrize("words", ["database or disk is full", "disk I/O error"])
@pytest.mark.parametrize("kind", [sqlite3.OperationalError, OperationalError])
def test_the_work_of_a_restore_is_about_its_own_disk(data, monkeypatch, step, words, kind):
    def fail(*_args):
        raise kind(words)

    for each in (
        "schema.check_whole",
        "schema.migrate",
        "schema.check_code",
        "schema.check_tables",
    ):
        monkeypatch.setattr(f"webchat.database.{each}", lambda *_args: None)
    monkeypatch.setattr(f"webchat.database.{step}", fail)
    work = data / ".restore-k3u9x_2a"
    with pytest.raises(OSError, match="[sS]pace|Input") as raised:
        backup._make_ours(work / "db.sqlite3", work)
    told = str(failures.explain(raised.value, at=Path("/elsewhere")))
    assert f"{data} " in told
