"""The base of all commands: their language, and failures that end in a sentence."""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError
from django.utils import translation

from tests.server import ROOT
from webchat.base import commands, failures, terminal
from webchat.database.archive import NoRoomError
from webchat.database.sizes import size

OURS = ("webchat", "accounts", "friends", "chat")


def manage(*command, **env):
    unset = dict.fromkeys(("LANGUAGE", "LC_ALL", "LC_MESSAGES"), "")
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT, env=os.environ | unset | {"DJANGO_SETTINGS_MODULE": "webchat.settings"} | env,
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({}, "zh-hans"),
        ({"LANG": "en_US.UTF-8"}, "zh-hans"),
        ({"LC_ALL": "C.UTF-8"}, "zh-hans"),
        ({"LC_ALL": "POSIX", "LC_MESSAGES": "en_GB"}, "en"),
        ({"LC_ALL": "en_US.ISO-8859-1"}, "en"),
        ({"LANGUAGE": "de:en_US:zh"}, "en"),
        ({"LANGUAGE": "fr_FR"}, "zh-hans"),
        ({"LANGUAGE": "en" * 10_000}, "zh-hans"),
        ({"LC_ALL": "zh_TW.Big5"}, "zh-hans"),
    ],
)
def test_a_terminal_speaks_the_sites_language_unless_another_is_asked_for(monkeypatch, env, code):
    for name in ("LANG", *terminal.WANTED_IN):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert terminal.language() == code


def test_help_and_refusals_of_arguments_are_in_the_readers_language(tmp_path):
    env = {"DATA_DIR": str(tmp_path)}
    told = manage("restore", "--help", **env).stdout
    assert all(words in told for words in ("用法：", "选项", "显示这份说明", "调用栈"))
    assert "show this help" not in told
    refusal = manage("restore", **env)
    assert (refusal.returncode, "缺少参数：file" in refusal.stderr) == (2, True)
    told = manage("restore", "--help", LC_ALL="en_US.UTF-8", **env).stdout
    assert "usage:" in told
    assert "show this help message" in told


def test_every_command_of_ours_derives_from_the_one_base():
    ours = {name: app for name, app in get_commands().items() if app in OURS}
    assert len(ours) >= 10
    for name, app in ours.items():
        assert isinstance(load_command_class(app, name), commands.Command), name


class Failing(commands.Command):
    requires_system_checks: list[str] = []

    def __init__(self, error):
        self.error = error
        super().__init__()

    def handle(self, **options):
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left", "/srv/x"), "/srv/x 所在的磁盘已满"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "有一个磁盘已满"),
        (OperationalError("database or disk is full"), "所在的磁盘已满"),
        (sqlite3.OperationalError("database or disk is full"), "所在的磁盘已满"),
        (PermissionError(errno.EACCES, "denied", "/nowhere/x"), "没有权限使用 /nowhere/x"),
        (OSError(errno.EROFS, "Read-only", "/mnt/x"), "/mnt/x 所在的磁盘是只读的"),
        (OperationalError("attempt to write a readonly database"), "没有权限使用"),
        (OperationalError("no such table: chat_event"), "manage.py migrate"),
        (OperationalError("database is locked"), "锁住"),
        (DatabaseError("database disk image is malformed"), "已损坏"),
        (DatabaseError("file is not a database"), "已损坏"),
        (OperationalError("disk I/O error"), "系统日志"),
        (FileNotFoundError(errno.ENOENT, "No such file", b"/tmp/\xff"), "没有 /tmp/"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/tmp"), "文件夹"),
        (OSError(errno.ENAMETOOLONG, "Too long", "x" * 9000), "名称太长"),
        (ValidationError("So nicht."), "So nicht."),
        (KeyboardInterrupt(), "已停止"),
    ],
)  # fmt: skip
def test_a_failure_that_is_no_bug_ends_in_a_sentence(error, words):
    with pytest.raises(CommandError) as told:
        call_command(Failing(error))
    assert words in str(told.value)
    assert len(str(told.value)) < 1000
    with translation.override("en"), pytest.raises(CommandError) as told:
        call_command(Failing(error))
    assert words.isascii() == (words in str(told.value)), told.value


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), ValueError("x"), OSError("x"), DatabaseError("UNIQUE constraint failed: a.b")],
)
def test_a_bug_stays_a_bug(error):
    with pytest.raises(type(error)):
        call_command(Failing(error))


def test_traceback_shows_where_it_failed():
    with pytest.raises(PermissionError):
        call_command(Failing(PermissionError(errno.EACCES, "denied", "/x")), traceback=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_its_own_status_also_to_who_caught_it(number):
    assert failures.explain(terminal.Terminated(number)).returncode == 128 + number
    with pytest.raises(commands.StoppedError) as caught:
        try:
            raise terminal.Terminated(number)
        except KeyboardInterrupt:
            raise commands.StoppedError("Stopped half-way.") from None
    assert failures.explain(caught.value).returncode == 128 + number
    assert failures.explain(KeyboardInterrupt()).returncode == 130


@pytest.mark.parametrize("value", ["0", "366", "-1", "1e3", "9" * 5000, "٣", "", " 7"])
def test_a_number_out_of_bounds_is_refused_in_a_sentence(value):
    with pytest.raises(argparse.ArgumentTypeError) as refusal:
        commands.number(1, 365)(value)
    assert "1 到 365" in str(refusal.value)
    assert len(str(refusal.value)) < 100
    assert commands.number(1, 365)("365") == 365


# By the arguments with which they get as far as the database; () for those that need no tables.
WITHOUT_TABLES = {
    "backup": [[]], "prune": [[]], "demo": [[], ["--remove"]], "verify_deletion": [["anna"]],
    "changepassword": [["anna"]], "set_password": [["anna", "--random"]], "users": [[]],
    "rename_user": [["anna", "anne"]], "stats": [[]], "export_all": [["chats"]],
    "createsuperuser": [["--no-input", "--username", "anna"]],
    "import_roster": [["class.csv", "--dry-run"]],
    "import_pictures": [["chats"]], "make_previews": [[]],
    "import_legacy": (),  # tests/importing: it reads the old data first
    "collectstatic": (), "doctor": (), "nightly": (), "prepare": (), "restore": (), "vacuum": (),
}  # fmt: skip


def test_no_command_of_ours_is_forgotten():
    assert set(WITHOUT_TABLES) == {name for name, app in get_commands().items() if app in OURS}


@pytest.mark.parametrize(
    "command", [[name, *words] for name, all_words in WITHOUT_TABLES.items() for words in all_words]
)
def test_an_install_without_tables_is_told_of_them(tmp_path, command):
    (tmp_path / "class.csv").write_text("用户名,姓名,邮箱\nanna,安娜,\n")
    files = ("class.csv", "chats")
    command = [str(tmp_path / each) if each in files else each for each in command]
    answer = manage(*command, DATA_DIR=str(tmp_path / "data"))
    assert "Traceback" not in answer.stderr
    assert (answer.returncode, "manage.py migrate" in answer.stderr) == (1, True), answer.stderr


class Typed(io.TextIOWrapper):
    """A terminal of UTF-8 on which somebody types bytes."""

    def __init__(self, typed: bytes) -> None:
        super().__init__(io.BytesIO(typed), encoding="utf-8")

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "is_yes"),
    [
        ("是\n".encode("gbk"), True), ("是\n".encode(), True), (b"y\n", True), (b"", False),
        ("不\n".encode("gbk"), False), (b"\xff\xfe\xff", False), (b"y" * 10_000, False),
    ],
)  # fmt: skip
def test_an_answer_is_understood_in_gbk_too(monkeypatch, typed, is_yes):
    monkeypatch.setattr("sys.stdin", Typed(typed))
    assert Failing(None).confirm("?") is is_yes


def test_a_second_question_is_answered_as_the_first(monkeypatch):
    monkeypatch.setattr("sys.stdin", Typed("是\n不\n是\n".encode("gbk")))
    assert [Failing(None).confirm("?") for _each in range(3)] == [True, False, True]


def test_a_size_has_the_space_that_every_terminal_knows():
    with translation.override("zh-hans"):
        assert size(1536).encode("gbk") == b"1.5 KB"


def test_too_little_room_is_a_sentence_of_every_command():
    error = NoRoomError(Path("/mnt/x"), 2048, 1024)
    assert "2.0 KB" in str(failures.explain(error))


def test_what_is_roots_may_be_given_away(monkeypatch, tmp_path):
    monkeypatch.setattr(failures.running, "owner_of", lambda path: 0)
    monkeypatch.setattr(failures.os, "geteuid", lambda: 64101)
    error = PermissionError(errno.EACCES, "denied", str(tmp_path / "usb 1"))
    words = str(failures.explain(error))
    assert words.endswith(f"\n  sudo chown 64101: {tmp_path}"), "the folder of a new file"
    (tmp_path / "usb 1").mkdir()
    assert f"\n  sudo chown 64101: '{tmp_path}/usb 1'" in str(failures.explain(error))


@pytest.mark.parametrize("path", ["/mnt", "/mnt/not-there", "/root/list.csv", "/list.csv"])
def test_what_others_need_is_given_to_nobody(monkeypatch, path):
    monkeypatch.setattr(failures.running, "owner_of", lambda path: 0)
    monkeypatch.setattr(failures.os, "geteuid", lambda: 64101)
    words = str(failures.explain(PermissionError(errno.EACCES, "denied", path)))
    assert path in words
    assert "chown" not in words
    assert "换" in words


@pytest.mark.parametrize(
    "name", ["", "list.csv", "new.csv", "a/b/c", ".backup-k3u9x_2a", ".backup-k3u9x_2a/db.sqlite3"]
)
def test_what_is_closed_to_a_service_is_opened_by_a_folder_that_there_is(
    monkeypatch, tmp_path, name
):
    """`ReadWritePaths=-` passes over a path that is missing, and says nothing."""
    (tmp_path / "list.csv").touch()
    error = OSError(errno.EROFS, "Read-only file system", str(tmp_path / name))
    assert "ReadWritePaths" not in str(failures.explain(error))
    monkeypatch.setenv("INVOCATION_ID", "0" * 32)
    assert str(failures.explain(error)).endswith(f"ReadWritePaths=-{tmp_path}")


def test_a_backup_by_a_service_that_may_not_write_there_names_the_folder(monkeypatch, tmp_path):
    def fail(prefix, dir):
        raise OSError(errno.EROFS, "Read-only file system", f"{dir}/{prefix}k3u9x_2a")

    monkeypatch.setenv("INVOCATION_ID", "0" * 32)
    monkeypatch.setattr("webchat.database.scratch.tempfile.mkdtemp", fail)
    with pytest.raises(CommandError) as told:
        call_command("backup", str(tmp_path))
    assert str(told.value).endswith(f"ReadWritePaths=-{tmp_path}")


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_a_work_folder_that_is_gone_is_named_to_nobody(number):
    path = "/mnt/usb/.restore-k3u9x_2a/attachments/a.png"
    words = str(failures.explain(OSError(number, os.strerror(number), path)))
    assert "/mnt/usb" in words
    assert ".restore-" not in words


def test_a_reader_that_leaves_ends_nothing_with_a_traceback(tmp_path):
    command = f"{sys.executable} manage.py prune --help | true; echo done"
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "webchat.settings", "DATA_DIR": str(tmp_path)}
    answer = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert (answer.stderr, answer.stdout) == ("", "done\n")


def test_output_that_a_full_disk_did_not_take_is_a_failure(tmp_path):
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            [sys.executable, "manage.py", "help"], cwd=ROOT, stdout=full,
            stderr=subprocess.PIPE, text=True,
            env=os.environ
            | {"DJANGO_SETTINGS_MODULE": "webchat.settings", "DATA_DIR": str(tmp_path)},
        )  # fmt: skip
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "磁盘" in answer.stderr


def test_without_a_command_each_of_ours_has_a_line_in_the_readers_language(tmp_path):
    env = {"DATA_DIR": str(tmp_path)}
    told = manage(**env)
    assert told.returncode == 0
    assert "manage.py" in told.stdout.splitlines()[0]
    [line] = [line for line in told.stdout.splitlines() if line.startswith("  vacuum ")]
    assert "还给磁盘" in line
    assert "migrate" in told.stdout.splitlines()[-1]
    assert "subcommand" not in told.stdout


def test_a_command_that_there_is_not_is_told_with_the_one_that_was_meant(tmp_path):
    answer = manage("vacum", DATA_DIR=str(tmp_path))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "vacuum" in answer.stderr
    assert "没有" in answer.stderr
    assert len(manage("x" * 5000, DATA_DIR=str(tmp_path)).stderr) < 200
