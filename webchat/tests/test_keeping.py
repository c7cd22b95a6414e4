"""Backups and restores that fail or are stopped: each says why, and nothing stays behind."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.server import ROOT

WAIT_SECONDS = 60  # for a command on a loaded machine to get to its work


def command(data: Path, *words: str) -> dict:
    env = os.environ | {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "webchat.settings"}
    env |= dict.fromkeys(("LANGUAGE", "LC_ALL", "LC_MESSAGES"), "")
    return {"args": [sys.executable, "manage.py", *words], "cwd": ROOT, "env": env}


def manage(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**command(data, *words), capture_output=True, text=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Data with a backup of them."""
    data = tmp_path_factory.mktemp("data")
    assert manage(data, "migrate", "--verbosity", "0").returncode == 0
    made = manage(data, "backup")
    assert made.returncode == 0, made.stderr
    [file] = (data / "backups").iterdir()
    return SimpleNamespace(data=data, backup=file, said=made.stdout)


def foreign_tar(path: Path, _backup: bytes) -> None:
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("readme.txt"), io.BytesIO())


def flipped(path: Path, backup: bytes) -> None:
    middle = len(backup) // 2
    path.write_bytes(backup[:middle] + bytes([backup[middle] ^ 255]) + backup[middle + 1 :])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path, backup: None, "没有 "),
        (lambda path, backup: path.mkdir(), "是一个文件夹"),
        (lambda path, backup: path.symlink_to(path), "互相指向"),
        (lambda path, backup: path.write_bytes(b""), "不完整"),
        (lambda path, backup: path.write_bytes(backup[: len(backup) // 2]), "不完整"),
        (flipped, "损坏"),
        (lambda path, backup: path.write_bytes(b"PK\x03\x04" * 100), "不是本程序的备份"),
        (lambda path, backup: path.write_bytes(gzip.compress(b"x" * 5000)), "不是本程序的备份"),
        (foreign_tar, "不是本程序的备份"),
    ],
)  # fmt: skip
def test_each_reason_not_to_restore_has_its_own_sentence(home, tmp_path, make, words):
    make(tmp_path / "file.tar.gz", home.backup.read_bytes())
    (tmp_path / "data").mkdir()
    answer = manage(tmp_path / "data", "restore", str(tmp_path / "file.tar.gz"))
    assert answer.returncode == 1
    assert answer.stderr.startswith("没有恢复任何内容。"), answer.stderr
    assert words in answer.stderr.removeprefix("没有恢复任何内容。")
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "data/db.sqlite3").exists()
    assert not list((tmp_path / "data").glob(".restore-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.parametrize("size", ["64k", "700k"])
def test_a_full_disk_is_no_damaged_file(home, tmp_path, size):
    data = tmp_path / "small"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(data)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        answer = manage(data, "restore", str(home.backup))
        left = [path.name for path in data.iterdir()]
    finally:
        subprocess.run(["umount", str(data)], check=True)
    assert answer.returncode == 1
    assert "磁盘" in answer.stderr, answer.stderr
    assert "损坏" not in answer.stderr
    assert "Traceback" not in answer.stderr
    assert [name for name in left if name.startswith((".restore", "db."))] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_backup_says_that_the_other_disk_is_full_before_it_fills_it(home, tmp_path):
    usb = tmp_path / "usb"
    usb.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(usb)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        answer = manage(home.data, "backup", "--to", str(usb))
        left = list(usb.iterdir())
    finally:
        subprocess.run(["umount", str(usb)], check=True)
    assert (answer.returncode, left) == (1, [])
    assert str(usb) in answer.stderr
    assert "磁盘" in answer.stderr


def test_a_backup_says_its_moment_in_the_time_of_the_site(home):
    assert "Z.tar.gz" in home.said
    assert "(Asia/Shanghai)" in home.said


class Held:
    """A backup that waits in the middle of its work: one of the files gives nothing."""

    def __init__(self, home, data: Path) -> None:
        self.data = shutil.copytree(home.data, data)
        (self.data / "attachments").mkdir(exist_ok=True)
        os.mkfifo(self.data / "attachments/a.png")
        self.process = subprocess.Popen(
            **command(self.data, "backup"),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            self._wait()
        except BaseException:
            self.process.kill()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.copies:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    @property
    def copies(self) -> list[Path]:
        return list(self.data.glob("backups/.backup-*/webchat-*"))

    def end(self, number: int) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=WAIT_SECONDS)[1].decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_leaves_nothing_and_says_so(home, tmp_path, number):
    held = Held(home, tmp_path / "data")
    said = held.end(number)
    assert (held.process.returncode, said) == (128 + number, "已停止。\n")
    assert not list(held.data.glob("backups/.*"))


@pytest.mark.parametrize("next_command", [["prune"], ["prepare", "--no-port"], ["restore", "/x"]])
def test_after_a_kill_the_next_command_clears_but_never_under_the_living(
    home, tmp_path, next_command
):
    held = Held(home, tmp_path / "data")
    manage(held.data, *next_command)
    assert held.copies
    held.end(signal.SIGKILL)
    assert held.copies
    manage(held.data, *next_command)
    assert not list(held.data.glob("backups/.*"))


def test_a_night_without_a_backup_still_prunes_and_is_recorded(home, tmp_path):
    data = shutil.copytree(home.data, tmp_path / "data")
    shutil.rmtree(data / "backups")
    (data / "backups").touch()
    night = manage(data, "nightly", "--to", str(tmp_path / "unplugged"))
    assert night.returncode == 1
    assert "已删除：" in night.stdout
    assert "Traceback" not in night.stderr
    found = json.loads((data / "nightly.json").read_text())
    assert "不是文件夹" in found["failures"]["backup"]
    assert "没有 " in found["failures"]["backup --to"]
    assert "prune" not in found["failures"]
