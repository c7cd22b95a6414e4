"""The last steps of a restore: all of it or nothing, wherever the database is."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from webchat.database import backup
from webchat.tests.test_keeping import WAIT_SECONDS, command
from webchat.tests.test_keeping import home as home  # a fixture


@pytest.fixture
def data(home, tmp_path, settings, django_db_blocker):
    """Data with a table in them that is not in the backup."""
    settings.DATA_DIR = shutil.copytree(home.data, tmp_path / "data")
    settings.DATABASE_FILE = settings.DATA_DIR / "db.sqlite3"
    with closing(sqlite3.connect(settings.DATABASE_FILE)) as database, database:
        database.execute("CREATE TABLE later (word)")
    with django_db_blocker.unblock():  # a restore has connections of its own
        yield settings.DATA_DIR


def is_old(data: Path) -> bool:
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        return bool(database.execute("SELECT 1 FROM sqlite_schema WHERE name='later'").fetchone())


def kept(data: Path) -> list[Path]:
    return list(data.glob("before-restore-*"))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("place", ["_add_files", "_keep", "undisturbed"])
def test_what_fails_before_the_last_step_leaves_everything_as_it_was(
    home, data, monkeypatch, error, place
):
    def fail(*args):
        raise error

    monkeypatch.setattr(backup, place, fail)
    with pytest.raises(type(error)):
        backup.restore(home.backup)
    assert is_old(data)
    assert (kept(data), list(data.glob(".*"))) == ([], [])


def test_a_stop_after_the_last_step_comes_too_late(home, data, monkeypatch):
    put = backup._put_in_place
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def put_and_stop(*paths):
        put(*paths)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(backup, "_put_in_place", put_and_stop)
    try:
        folder = backup.restore(home.backup)
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert kept(data) == [folder]
    assert (is_old(data), is_old(folder)) == (False, True)


def test_where_the_last_step_itself_fails_the_old_data_are_named(home, data, monkeypatch):
    replace = os.replace

    def fail(source, target):
        if Path(target) == data / "db.sqlite3":
            raise OSError(5, "Input/output error", str(target))
        replace(source, target)

    monkeypatch.setattr("webchat.database.backup.os.replace", fail)
    with pytest.raises(CommandError) as told:
        call_command("restore", str(home.backup), stdout=StringIO())
    [folder] = kept(data)
    assert str(told.value).endswith(f"：{folder}")
    assert is_old(data)
    assert is_old(folder)


def test_a_log_that_nobody_has_closed_is_kept_and_not_written_into_the_new_one(
    home, data, monkeypatch
):
    monkeypatch.setattr(backup.copies, "fold_log", lambda database: None)
    for suffix in backup.LOGS:
        (data / f"db.sqlite3{suffix}").write_text("old")
    folder = backup.restore(home.backup)
    assert {path.name for path in folder.iterdir()} == {
        "db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm",
    }  # fmt: skip
    assert not [*data.glob("db.sqlite3-*")]


def test_a_database_on_another_disk_is_restored_there(home, tmp_path):
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk here")
    data = shutil.copytree(home.data, tmp_path / "data")
    with tempfile.TemporaryDirectory(dir=shm) as other:
        shutil.move(data / "db.sqlite3", other)
        started = command(data, "restore", str(home.backup))
        started["env"] |= {"DATABASE_URL": f"sqlite:///{other}/db.sqlite3"}
        told = subprocess.run(**started, capture_output=True, text=True)
        assert told.returncode == 0, told.stderr
        assert os.listdir(other) == ["db.sqlite3"]
        [folder] = kept(data)
        assert (folder / "db.sqlite3").exists()


def wait_until(is_so, process) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_in_the_middle_leaves_nothing_and_says_so(home, tmp_path, number):
    data = shutil.copytree(home.data, tmp_path / "data")
    pipe = tmp_path / "backup.tar.gz"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        **command(data, "restore", str(pipe)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    content = home.backup.read_bytes()
    try:
        with pipe.open("wb") as half:
            half.write(content[: len(content) // 2])
            half.flush()
            wait_until(lambda: list(data.glob(".restore-*/attachments")), process)
            process.send_signal(number)
            said = process.communicate(timeout=WAIT_SECONDS)[1].decode()
    finally:
        process.kill()
    assert (process.returncode, said) == (128 + number, "已停止。\n")
    assert (kept(data), list(data.glob(".restore-*"))) == ([], [])


def test_a_backup_through_a_pipe_is_restored_and_each_part_of_the_work_named(home, tmp_path):
    (tmp_path / "data").mkdir()
    shell = ["bash", "-c", 'exec "$0" "$1" restore <(cat "$2")']
    started = command(tmp_path / "data", str(home.backup))
    started["args"] = [*shell, *started["args"]]
    told = subprocess.run(**started, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[0].startswith("正在检查")
    told = subprocess.run(
        **command(tmp_path / "data", "restore", str(home.backup)), capture_output=True, text=True
    )
    size = home.backup.stat().st_size
    assert told.stdout.splitlines()[0].endswith(f"{size}/{size}")
    assert told.stdout.splitlines()[1].startswith("正在检查")
