"""An import that is stopped leaves nothing half done."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection

from accounts.models import User
from chat.legacy import files, importing, opening, reading, staging
from chat.management.commands import import_legacy
from chat.models import Attachment, Message
from chat.models.files import parts_folder
from webchat.base import terminal
from webchat.base.terminal import Terminated
from webchat.database.stops import ENDINGS, STOPS

from .conftest import accounted, stored_files, tables, tree_v1, tree_v3


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_whatever_stops_it_nothing_is_left_half_done(old, monkeypatch, trouble):
    tree_v1(old)
    before, stored = tables(), stored_files()

    def fail():
        raise trouble

    monkeypatch.setattr(opening.writing, "have_all_reload", fail)
    with pytest.raises(CommandError) as error:
        old.run()
    assert error.value.returncode == (130 if trouble is KeyboardInterrupt else 1)
    assert _without_deletions(tables()) == _without_deletions(before)
    assert stored_files() == stored


def _without_deletions(rows):
    """Leave out the counter that says that deleted rows are to be overwritten."""
    return rows | {"chat_gone": []}


@pytest.mark.parametrize("stop", [*STOPS, None])
def test_what_stops_it_after_the_commit_takes_nothing_back(old, monkeypatch, stop, heard):
    tree_v3(old)
    seen_by_all = importing._seen_by_all

    @contextmanager
    def commit_and_stop(**options):
        with seen_by_all(**options):
            yield
        if stop is None:
            raise OSError(5, "bad")
        signal.raise_signal(stop)

    monkeypatch.setattr(importing, "_seen_by_all", commit_and_stop)
    if stop is None:
        with pytest.raises(CommandError):
            old.run()
    else:
        report, printed = old.run()
        assert accounted(report)["messages"] == [4, 4, 0, 0]
        assert "shred" in printed
    assert Message.objects.count() == 4
    assert stored_files() == set(Attachment.objects.values_list("file", flat=True))
    assert len(stored_files()) == 1


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("is_before", [True, False])
def test_a_stop_within_the_last_commit_comes_too_late(
    transactional_db, old, monkeypatch, is_before, stop, heard
):
    tree_v3(old)
    commit, reload, at_end = connection._commit, opening.writing.have_all_reload, []

    def note():
        at_end.append(True)
        return reload()

    def commit_and_stop():
        if at_end and is_before:
            signal.raise_signal(stop)
        commit()
        if at_end and not is_before:
            signal.raise_signal(stop)
        at_end.clear()

    monkeypatch.setattr(opening.writing, "have_all_reload", note)
    monkeypatch.setattr(connection, "_commit", commit_and_stop)
    report, _printed = old.run()
    assert accounted(report)["messages"] == [4, 4, 0, 0]
    assert (User.objects.count(), Message.objects.count()) == (4, 4)
    assert len(stored_files()) == Attachment.objects.count() == 1
    assert not User.everybody.filter(username__startswith="?").exists()


@pytest.fixture
def heard():
    """The signals that stop a command end it with an error, as in manage.py."""
    before = {each: signal.signal(each, terminal.end) for each in ENDINGS}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_second_stop_ends_the_clearing_and_the_rest_waits_unseen(old, monkeypatch, capsys):
    tree_v3(old)
    clear, clearing = staging.clear, []

    def fail():
        raise KeyboardInterrupt

    def stop():
        clearing.append(True)
        if len(clearing) > 1:  # the first time is before the import
            raise Terminated(15)
        yield from clear()

    with monkeypatch.context() as patch:
        patch.setattr(opening.writing, "have_all_reload", fail)
        patch.setattr(staging, "clear", stop)
        out = StringIO()
        with pytest.raises(CommandError) as error:
            call_command("import_legacy", str(old.root), stdout=out)
    assert error.value.returncode == 130
    assert "下次导入" in out.getvalue()
    assert not User.objects.exists()
    assert staging.count() == Message.objects.count() + User.everybody.count() > 4
    assert old.run()[0]["messages"]["imported"] == 4


def test_the_clearing_after_a_stop_is_shown(old, monkeypatch):
    tree_v3(old)
    out = StringIO()
    monkeypatch.setattr(opening.writing, "have_all_reload", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call_command("import_legacy", str(old.root), stdout=out)
    # Four people and four messages.
    assert "清理: 8/8" in out.getvalue()


def test_a_fault_of_ours_is_not_put_down_to_others(old, monkeypatch):
    tree_v3(old)

    def fail():
        raise IntegrityError("UNIQUE constraint failed: chat_attachment.file")

    monkeypatch.setattr(opening.writing, "have_all_reload", fail)
    with pytest.raises(IntegrityError):
        old.run()


def test_a_disk_that_fills_up_takes_back_what_was_written(old, monkeypatch):
    tree_v3(old)
    stored = stored_files()

    def copy(source, target):
        target.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "digest", copy)
    with pytest.raises(CommandError, match="什么都没有导入"):
        old.run()
    assert stored_files() == stored
    assert not User.objects.exists()


def test_a_file_has_its_name_only_when_it_is_whole(old, monkeypatch):
    tree_v3(old)
    real, stored, seen = files.digest, stored_files(), []

    def copy(source, target):
        seen.append(stored_files())
        return real(source, target)

    monkeypatch.setattr(files, "digest", copy)
    old.run()
    assert seen == [stored]
    assert len(stored_files() - stored) == 1
    assert list(parts_folder().iterdir()) == []


def test_numbers_that_do_not_add_up_stop_it(old, monkeypatch):
    tree_v1(old)
    monkeypatch.setattr(importing.Opening, "requests", lambda *args: None)
    with pytest.raises(AssertionError, match="requests: 1 found, 0 accounted for"):
        old.run()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "options",
    [["--timezone", "Mars/Base"], ["--timezone", "../etc/passwd"], ["--report", "/nowhere/x.json"]],
)
def test_what_cannot_be_done_is_said_before_anything_is(old, options):
    with pytest.raises(CommandError):
        call_command("import_legacy", str(old.root), *options)
    assert not User.objects.exists()


def test_a_folder_without_users_is_refused_and_the_one_above_it_will_do(old, tmp_path):
    with pytest.raises(CommandError, match="users"):
        call_command("import_legacy", str(tmp_path / "data" / "users"))
    call_command("import_legacy", str(tmp_path))
    assert User.objects.count() == 4


def test_a_database_that_fills_up_in_the_middle_is_cleared(old, monkeypatch):
    tree_v3(old)
    stored = stored_files()
    insert = staging.insert

    def fill_up(model, names, rows):
        if model is Message:
            raise OperationalError("database or disk is full")
        return insert(model, names, rows)

    monkeypatch.setattr(staging, "insert", fill_up)
    with pytest.raises(CommandError, match="什么都没有导入。.*已满"):
        old.run()
    assert stored_files() == stored
    assert not User.everybody.exists()


def test_a_folder_that_cannot_be_entered_is_a_sentence(old, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(import_legacy, "find_root", refuse)
    with pytest.raises(CommandError) as error:
        old.run()
    assert str(old.root) in str(error.value)
    assert "Permission denied" not in str(error.value)


@pytest.mark.parametrize("number", [2, 5, 13, 20, 21, 22, 27, 28, 30, 36])
def test_no_reason_is_in_another_language(old, monkeypatch, number):
    """Neither in what ends the import nor in its report."""
    words = os.strerror(number)
    tree_v1(old)

    def fail(*args, **options):
        raise OSError(number, words, "/some/where")

    with monkeypatch.context() as patch:
        patch.setattr(reading.Tree, "open", fail)
        _report, printed = old.run("--dry-run")
        assert words not in printed
        assert "无法读取" in printed
    for name in ("mkdir", "write_text"):
        with monkeypatch.context() as patch:
            patch.setattr(files.Path, name, fail)
            with pytest.raises((CommandError, OSError)) as error:
                old.run()
        if error.type is CommandError:
            assert words not in str(error.value)
        else:
            assert number == 22  # that would be a fault of ours
