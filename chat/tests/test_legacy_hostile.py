"""Old data with links to elsewhere, and a report that cannot be delivered."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from chat.legacy.reading import FOLDERS, Tree
from chat.legacy.report import Report
from chat.models import Attachment, Message
from tests.server import ROOT, Server
from webchat.base.commands import StoppedError

from .legacy import OldTree, file, v3

AT = "2025-10-17T04:11:08Z"
ADVICE = "shred -u"  # in any language and encoding


@pytest.fixture
def old(tmp_path):
    tree = OldTree(tmp_path)
    tree.users("alice", "王伟")
    tree.write("friends/alice.json", ["王伟"])
    tree.write("friends/王伟.json", ["alice"])
    tree.write("messages/alice_王伟.json", [v3("alice", "你好 📎", AT)])
    return tree


# Links


@pytest.mark.django_db
@pytest.mark.parametrize("place", [*FOLDERS, "../uploads"])
def test_a_folder_that_is_a_link_is_refused_before_anything_is_read(old, tmp_path, place):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mallory.json").write_text("{}")
    folder = old.root / place
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.symlink_to(elsewhere)
    with pytest.raises(CommandError, match="是链接"):
        old.run()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_link_or_a_pipe_among_the_files_is_told_of_and_not_read(old, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"username": "mallory", "password": "x"}')
    (old.root / "users/mallory.json").symlink_to(secret)
    (old.root / "messages/alice_mallory.json").symlink_to(secret)
    os.mkfifo(old.root / "users/pipe.json")
    (old.root / "last_read").mkdir()
    (old.root / "last_read/alice_王伟.txt").symlink_to(secret)
    report, printed = old.run()
    assert report["users"]["imported"] == 2
    assert [each["code"] for each in report["skips"]].count("link") == 2
    assert "users/pipe.json" in printed
    assert "不是普通文件" in printed
    assert set(User.objects.values_list("username", flat=True)) == {"alice", "王伟"}


@pytest.mark.django_db
def test_an_upload_that_turns_into_a_link_meanwhile_is_not_followed(old, tmp_path, monkeypatch):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    url = old.upload("a.txt", b"harmless")
    old.write("messages/alice_王伟.json", [v3("alice", file(url), AT)])
    upload = Tree.upload

    def find_and_swap(tree: Tree, url: str) -> Path | None:
        path = upload(tree, url)
        path.unlink()
        path.symlink_to(secret)
        return path

    monkeypatch.setattr(Tree, "upload", find_and_swap)
    report, _printed = old.run()
    assert report["attachments"] == {"found": 1, "imported": 0, "existing": 0, "skipped": 1}
    assert not Attachment.objects.exists()
    assert "a.txt" in Message.objects.get().text


@pytest.mark.parametrize("is_folder", [True, False])
def test_nothing_is_opened_by_way_of_a_link(old, tmp_path, is_folder):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.txt").write_text("secret")
    if is_folder:
        (old.root / "uploads").symlink_to(tmp_path / "elsewhere")
    else:
        (old.root / "uploads").mkdir()
        (old.root / "uploads/a.txt").symlink_to(tmp_path / "elsewhere/a.txt")
    with pytest.raises(OSError, match=r"links|Not a directory"):
        Tree(old.root, Report()).open(old.root / "uploads/a.txt")


# The report


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A database without people."""
    folder = tmp_path_factory.mktemp("empty")
    Server(folder).manage("migrate")
    return folder


def run_import(old: OldTree, empty: Path, *options: str, **more) -> subprocess.CompletedProcess:
    data = old.root.parent / "new"
    shutil.copytree(empty, data)
    env = Server(data).env | more.pop("env", {})
    command = [sys.executable, "manage.py", "import_legacy", str(old.root), *options]
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    done = subprocess.run(command, cwd=ROOT, env=env, timeout=60, check=False, **more)
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        [(done.messages,)] = database.execute("SELECT count(*) FROM chat_message").fetchall()
    return done


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8", "ascii:strict"])
def test_a_terminal_that_knows_few_characters_is_told_all(old, empty, encoding):
    old.write("friends/丢了🙂.json", "[")
    done = run_import(old, empty, env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert done.messages == 1
    assert ADVICE.encode() in done.stdout
    assert b".json: " in done.stdout


def _closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("where", [_closed_pipe, lambda: os.open("/dev/full", os.O_WRONLY)])
def test_where_nobody_takes_the_report_the_advice_comes_all_the_same(old, empty, where):
    out = where()
    done = run_import(old, empty, stdout=out)
    os.close(out)
    assert done.returncode == 0, done.stderr
    assert done.messages == 1
    assert ADVICE.encode() in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_closed_output_does_not_undo_the_import(old, empty):
    done = run_import(old, empty, stdout=None, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.messages) == (0, 1)
    assert ADVICE.encode() in done.stderr


@pytest.mark.django_db
def test_a_report_that_fits_nowhere_comes_after_the_advice(old, monkeypatch, capsys):
    write = Path.write_text

    def fill_up(path: Path, content: str, **options) -> int:
        if content:
            raise OSError(28, "No space left on device")
        return write(path, content, **options)

    monkeypatch.setattr(Path, "write_text", fill_up)
    target = str(old.root.parent / "report.json")
    with pytest.raises(CommandError, match="导入本身已经完成"):
        call_command("import_legacy", str(old.root), "--report", target)
    assert ADVICE in capsys.readouterr().out
    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_ctrl_c_in_the_middle_of_the_report_leaves_the_advice(old, monkeypatch, capsys):
    def stop(report: Report, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Report, "lines", stop)
    with pytest.raises(StoppedError):
        call_command("import_legacy", str(old.root))
    assert ADVICE in capsys.readouterr().out
