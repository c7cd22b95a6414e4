"""Everybody's export: whole zips, a list of them, and one person's pieces at a time."""

from __future__ import annotations

import csv
import errno
import io
import os
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from accounts.models import User
from chat import export_all
from chat.models import Attachment, Message
from tests.cast import befriend, make_user, say


def run(folder: Path, *options: str, language: str = "en") -> str:
    printed = io.StringIO()
    with translation.override(language):
        call_command("export_all", str(folder), *options, stdout=printed, stderr=printed)
    return printed.getvalue()


def refusal(folder: Path, *options: str) -> str:
    with pytest.raises(CommandError) as refused:
        run(folder, *options)
    return str(refused.value)


def listed(folder: Path) -> list[str]:
    rows = csv.reader(io.StringIO((folder / "contents.csv").read_text("utf-8-sig")))
    return [row[0] for row in rows][1:]


def zips(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.zip"))


@pytest.fixture
def talk(alice, bob):
    say(alice, bob, "我们的话")
    make_user("dora")
    User.objects.create(username="waiting", unverified_since=timezone.now())


@pytest.fixture
def full_after_one(monkeypatch):
    """The disk is full when the second zip is written."""
    sync, written = os.fsync, []

    def fill(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 3:  # a zip, its line in the list, and the next zip
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr("chat.export_all.os.fsync", fill)


def test_each_person_has_what_they_can_see(talk, tmp_path):
    folder = tmp_path / "new" / "chats"
    told = run(folder)
    assert zips(folder) == ["alice.zip", "bob.zip", "dora.zip"] == listed(folder)
    archive = zipfile.ZipFile(folder / "alice.zip")
    assert archive.testzip() is None
    assert "我们的话" in archive.read("bob.txt").decode()
    assert zipfile.ZipFile(folder / "dora.zip").namelist() == ["index.html"]
    assert "3 zips" in told
    assert "everybody's messages" in told
    assert "everybody's messages" not in (folder / "README.txt").read_text()
    assert "destroy it" in (folder / "README.txt").read_text()


def test_nobody_else_can_read_any_of_it(talk, tmp_path):
    folder = tmp_path / "chats"
    folder.mkdir(mode=0o755)
    run(folder)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_is_said_where_others_can_read_it(talk, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "chmod", lambda path, mode: None)  # as a USB stick would
    folder = tmp_path / "chats"
    folder.mkdir()
    os.chmod(folder, 0o755)
    assert "Other users of this machine can read" in run(folder)


@pytest.mark.parametrize("options", [[], ["--resume"]])
def test_a_folder_with_something_else_in_it_is_left_alone(talk, tmp_path, options):
    (tmp_path / "thesis.docx").touch()
    assert "not empty" in refusal(tmp_path, *options)
    assert os.listdir(tmp_path) == ["thesis.docx"]


def test_a_file_is_no_folder(talk, tmp_path):
    (tmp_path / "x").touch()
    assert str(tmp_path / "x") in refusal(tmp_path / "x")
    assert str(tmp_path / "x") in refusal(tmp_path / "x" / "y")


def test_of_a_full_disk_the_complete_ones_stay_listed(talk, tmp_path, full_after_one):
    folder = tmp_path / "chats"
    printed = io.StringIO()
    with translation.override("zh-hans"), pytest.raises(CommandError) as refused:
        call_command("export_all", str(folder), stdout=printed, stderr=printed)
    assert "所在的磁盘已满" in str(refused.value)
    assert str(folder / "bob.zip") in str(refused.value)
    assert "此前已完成 1 个" in printed.getvalue()
    assert zips(folder) == listed(folder) == ["alice.zip"]
    assert not list(folder.glob("*.part"))
    assert "there already: 1" in run(folder, "--resume")
    assert zips(folder) == listed(folder) == ["alice.zip", "bob.zip", "dora.zip"]


def test_an_earlier_one_is_not_begun_over_unless_told(talk, tmp_path):
    folder = tmp_path / "chats"
    run(folder)
    before = (folder / "alice.zip").stat().st_mtime_ns
    assert "--resume" in refusal(folder)
    run(folder, "--resume")
    assert (folder / "alice.zip").stat().st_mtime_ns == before


def test_what_a_kill_left_half_is_written_again(talk, tmp_path):
    folder = tmp_path / "chats"
    run(folder)
    (folder / "bob.zip").rename(folder / "bob.zip.part")
    (folder / "renamed-since.zip.part").touch()
    content = (folder / "contents.csv").read_bytes()
    (folder / "contents.csv").write_bytes(content[: content.index(b"dora.zip") + 5])
    run(folder, "--resume")
    assert not list(folder.glob("*.part"))
    assert zips(folder) == ["alice.zip", "bob.zip", "dora.zip"]
    assert listed(folder)[-2:] == ["bob.zip", "dora.zip"]
    assert not list(folder.glob("*.part"))
    assert zipfile.ZipFile(folder / "bob.zip").testzip() is None


@pytest.mark.parametrize("name", ["con", "Index"])
def test_a_zip_has_a_name_that_windows_knows(talk, tmp_path, name):
    make_user(name)
    run(tmp_path / "chats")
    assert f"_{name}.zip" in zips(tmp_path / "chats")


def test_ctrl_c_leaves_whole_zips_and_no_half_one(talk, tmp_path, monkeypatch):
    write = export_all.write_zip

    def press(user, language):
        pieces = write(user, language)
        yield next(pieces)
        if user.username == "bob":
            raise KeyboardInterrupt

    monkeypatch.setattr(export_all, "write_zip", press)
    with pytest.raises(CommandError) as stopped:
        run(tmp_path / "chats")
    assert stopped.value.returncode == 130
    assert zips(tmp_path / "chats") == ["alice.zip"]
    assert not list((tmp_path / "chats").glob("*.part"))


def test_who_goes_meanwhile_is_left_out(talk, tmp_path, monkeypatch):
    write = export_all.write_zip

    def delete(user, language):
        User.objects.filter(username="bob").delete()
        return write(user, language)

    monkeypatch.setattr(export_all, "write_zip", delete)
    run(tmp_path / "chats")
    assert zips(tmp_path / "chats") == ["alice.zip", "dora.zip"]


def test_only_a_piece_is_in_memory(talk, tmp_path, monkeypatch):
    """The pieces go to the disk as they are made, of one person after the other."""
    order = []

    def pieces(user, language):
        for number in range(3):
            order.append((user.username, number))
            yield b"x"
            assert order[-1] == (user.username, number)

    monkeypatch.setattr(export_all, "write_zip", pieces)
    run(tmp_path / "chats")
    assert order == [(name, n) for name in ("alice", "bob", "dora") for n in range(3)]


def test_the_pieces_of_a_zip_are_signs_of_life(talk, tmp_path):
    steps = []
    folder = tmp_path / "all"
    done = export_all.begin(folder, goes_on=False)
    written = list(export_all.write_all(folder, done, steps.append))
    assert sum(steps) == len(written)
    assert steps.count(0) > len(written)


def test_a_file_that_goes_meanwhile_ends_nothing(alice, tmp_path, monkeypatch):
    befriend(alice, friend := make_user("frida"))
    message = Message.objects.get(pk=say(friend, alice, "mit Datei").id)
    facts = {"file": "gone.bin", "name": "gone.bin", "mimetype": "x/y"}
    Attachment.objects.create(message=message, conversation=message.conversation, **facts)
    monkeypatch.setattr(Path, "exists", lambda path: True)  # it was there a moment ago
    run(tmp_path / "chats")
    assert "frida.txt" in zipfile.ZipFile(tmp_path / "chats" / "alice.zip").namelist()
