"""Work that a killed process left is cleared by the next one, and that of the living is not."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from webchat.database import scratch

HOLD = """
import sys
from pathlib import Path
from webchat.database.scratch import scratch
with scratch(Path(sys.argv[1]), ".backup-") as own:
    (own / "db.sqlite3").write_text("everything")
    print(own.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process at work in the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.name = process.stdout.readline().strip()
    yield process
    process.kill()
    process.communicate()


def test_a_folder_of_the_living_stays_and_one_of_the_killed_goes(tmp_path, other):
    assert scratch.clear(tmp_path) == []
    assert (tmp_path / other.name / "db.sqlite3").exists()
    other.kill()
    other.wait()
    assert [path.name for path in scratch.clear(tmp_path)] == [other.name]
    assert list(tmp_path.iterdir()) == []


def test_its_own_end_leaves_nothing_also_after_a_failure(tmp_path):
    with pytest.raises(KeyError), scratch.scratch(tmp_path, ".restore-") as own:
        (own / "deep").mkdir()
        assert scratch.clear(tmp_path) == []
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_what_older_versions_left_without_a_lock_goes_once_nobody_can_work_there(tmp_path):
    names = (".backup-0000_old", ".backup-0000_new", "mine")
    old, young, foreign = (tmp_path / name for name in names)
    for folder in (old, young, foreign):
        folder.mkdir()
        (folder / "db.sqlite3").touch()
    (tmp_path / ".restore-00_empty").mkdir()
    (tmp_path / ".backup-000_link").symlink_to(foreign)
    long_ago = time.time() - scratch.OLD_SECONDS - 60
    for folder in (old, foreign):
        os.utime(folder, (long_ago, long_ago))
    scratch.clear(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".backup-0000_new", ".backup-000_link", "mine"}
    assert (foreign / "db.sqlite3").exists()


def left(path, *files):
    """Make a folder that is old enough to be taken for a left one."""
    path.mkdir()
    for name in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    long_ago = time.time() - scratch.OLD_SECONDS - 60
    os.utime(path, (long_ago, long_ago))
    return path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        (".backup-photos", "family.jpg"), (".backup-photos", "db.sqlite3"),
        (".backup-2026", "notes.txt"), (".restore-points", "a/b"), (".backup-pictures", "x"),
        (".backup-k3u9x_2a", "family.jpg"), (".backup-k3u9x_2a", "db.sqlite3.orig"),
        (".backup-k3u9x_2a", "attachments.old/a.png"), (".restore-K3U9X_2A", "db.sqlite3"),
        (".restore-k3u9x_2a", ".git/config"), (".backup-k3u9x_2a.d", "lock"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("locked", [False, True])
def test_what_others_keep_in_the_same_place_is_theirs(tmp_path, name, file, locked):
    folder = left(tmp_path / name, file, *([scratch.LOCK] if locked else []))
    assert scratch.clear(tmp_path) == []
    assert (folder / file).exists()


def test_a_folder_of_our_shape_that_is_of_another_user_is_theirs(tmp_path, monkeypatch):
    folder = left(tmp_path / ".backup-k3u9x_2a", "db.sqlite3")
    monkeypatch.setattr(scratch, "_owner_of", lambda path: 64101 + (path == tmp_path))
    assert scratch.clear(tmp_path) == []
    monkeypatch.setattr(scratch, "_owner_of", lambda path: 64101)
    assert scratch.clear(tmp_path) == [folder], "as on a stick without owners"


def test_all_that_a_backup_and_a_restore_write_is_ours(tmp_path):
    files = (
        "lock", "db.sqlite3", "db.sqlite3-journal", "ours-db.sqlite3", "ours-db.sqlite3-wal",
        "attachments/a-1.png", "webchat-20260101-030000Z.tar.gz", "webchat-20260101-030000.tar.gz",
        ".nfs000000000001", "lock-link", "webchat-0.tar.gz", "webchat-0/manifest.json",
        "webchat-0/db.sqlite3.gz", "webchat-0/attachments/a-1.png",
    )  # fmt: skip
    folder = left(tmp_path / ".restore-k3u9x_2a", *files)
    assert scratch.clear(tmp_path) == [folder]


def without_locks(number):
    def flock(*_args):
        raise OSError(number, os.strerror(number))

    return flock


@pytest.mark.parametrize("number", scratch.WITHOUT_LOCKS)
def test_on_a_disk_without_locks_age_alone_tells(tmp_path, monkeypatch, number):
    monkeypatch.setattr(scratch.fcntl, "flock", without_locks(number))
    with scratch.scratch(tmp_path, ".backup-") as own:
        assert scratch.clear(tmp_path) == []
        assert own.is_dir()
        long_ago = time.time() - scratch.OLD_SECONDS - 60
        os.utime(own, (long_ago, long_ago))
        assert scratch.clear(tmp_path) == [own]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch.fcntl, "flock", without_locks(errno.EIO))
    for _each in range(2):
        with pytest.raises(OSError, match="Input"), scratch.scratch(tmp_path, ".backup-"):
            pytest.fail("there is no lock")
    assert list(tmp_path.iterdir()) == []


def test_what_a_network_disk_keeps_while_it_is_open_goes_afterwards(tmp_path, monkeypatch):
    left, remove = tmp_path / ".backup-0000000x", shutil.rmtree
    left.mkdir()
    (left / scratch.LOCK).touch()
    opened = []

    def rmtree(path, **options):
        opened.append(any("backup-0000000x" in os.readlink(each) for each in open_files()))
        if not opened[-1]:
            remove(path, **options)

    monkeypatch.setattr(scratch.shutil, "rmtree", rmtree)
    assert scratch.clear(tmp_path) == [left]
    assert opened == [True, False]


def open_files():
    return [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]


def test_many_at_once_never_take_each_others(tmp_path):
    failures = []

    def work():
        for _round in range(20):
            with scratch.scratch(tmp_path, ".backup-") as own:
                (own / "file").touch()
                if not (own / "file").exists():
                    failures.append(own)

    threads = [threading.Thread(target=work) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, list(tmp_path.iterdir())) == ([], [])
