"""Disks and processes that fail under an upload: nothing is lost, and nothing is left."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from chat.media import processing, receiving, sweeping
from chat.models import Upload, UsedQuota, uploads
from chat.models.files import attachments_folder, parts_folder, previews_folder
from tests.cast import Api, error_of
from webchat.database import locks

from .cast import photo
from .test_uploads import Uploading

ROOM = "服务器空间不足，暂时不能发送文件，文字仍可发送。"


@pytest.fixture
def one(alice, bob):
    one = Uploading(alice)
    one.api = Api(alice, headers={"accept-language": "zh-cn"})
    assert one.begin().status_code == 201
    return one


def failing(number):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


def our_errors(caplog):
    found = [record for record in caplog.records if record.name.startswith("chat.")]
    return len([record for record in found if record.levelno >= logging.ERROR])


def told(answer):
    return answer.status_code, answer.json()["error"]["message"], answer["Retry-After"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_a_full_disk_is_named_and_not_logged(one, monkeypatch, caplog, call, number):
    monkeypatch.setattr(os, call, failing(number))
    assert told(one.put(0)) == (503, ROOM, "60")
    assert our_errors(caplog) == 0
    monkeypatch.undo()
    assert one.look().json()["received"] == 0
    assert one.put(0).json() == {"received": 10}
    assert one.row.part_path.read_bytes() == one.content


@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "open"])
def test_a_broken_disk_is_logged_and_no_full_one(one, monkeypatch, caplog, call):
    if call == "open":
        monkeypatch.setattr(locks.os, "open", failing(errno.EIO))
    else:
        monkeypatch.setattr(os, call, failing(errno.EIO))
    answer = one.put(0)
    monkeypatch.undo()
    assert error_of(answer) == (503, "unavailable")
    assert "空间" not in answer.json()["error"]["message"]
    assert our_errors(caplog) == 1
    assert "Input/output error" in caplog.text
    assert one.put(0).json() == {"received": 10}


def test_a_piece_that_is_written_in_parts_is_whole(one, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, piece, at: pwrite(file, piece[:3], at))
    assert one.put(0).json() == {"received": 10}
    assert one.row.part_path.read_bytes() == one.content


def test_a_piece_whose_row_was_not_written_comes_again(one, monkeypatch):
    """As after a kill -9 between the two: the bytes are there and count for nothing."""

    def fail(*args):
        raise OperationalError("database is locked")

    one.put(0, b"0123")
    monkeypatch.setattr(Upload, "note_received", fail)
    assert one.put(4, b"45").status_code == 503
    monkeypatch.undo()
    assert one.row.part_path.read_bytes() == b"012345"
    assert one.look().json()["received"] == 4
    assert one.put(4, b"456789").json() == {"received": 10}
    assert one.row.part_path.read_bytes() == one.content


def test_a_part_that_has_lost_bytes_is_sent_again_from_its_beginning(one):
    one.put(0, b"0123")
    os.truncate(one.row.part_path, 2)
    answer = one.put(4)
    assert (answer.status_code, answer.json()["received"]) == (409, 0)
    assert one.put(0).json() == {"received": 10}
    assert one.row.part_path.read_bytes() == one.content


def test_another_tab_at_the_same_file_is_waited_for_but_not_for_long(one, monkeypatch):
    monkeypatch.setattr(receiving, "BUSY_SECONDS", 0.1)
    one.put(0, b"0123")
    with locks.take(one.row.part_path):
        assert error_of(one.put(4)) == (503, "unavailable")
        assert one.put(0, b"0123").json() == {"received": 4}  # nothing to write, nothing to lock
    assert one.put(4).json() == {"received": 10}


def test_a_piece_for_an_upload_that_goes_meanwhile_is_not_found(one, monkeypatch):
    take = locks.take

    def meanwhile(path, seconds):
        Upload.objects.all().delete()
        return take(path, seconds=seconds)

    monkeypatch.setattr(locks, "take", meanwhile)
    assert error_of(one.put(0)) == (404, "not_found")
    assert os.listdir(parts_folder()) == []


# Processing


@pytest.mark.parametrize(
    ("number", "words", "seconds", "is_logged"),
    [(errno.ENOSPC, ROOM, "60", False), (errno.EIO, "服务器繁忙，请稍后重试。", "10", True)],
)
def test_a_disk_that_refuses_what_is_made(
    one, monkeypatch, caplog, number, words, seconds, is_logged
):
    one.put(0)
    monkeypatch.setattr(processing, "process", failing(number))
    assert told(one.finish()) == (503, words, seconds)
    assert our_errors(caplog) == is_logged
    monkeypatch.undo()
    assert one.finish().status_code == 200


def test_what_is_kept_free_is_not_filled_with_clean_copies(alice, settings, monkeypatch):
    free = 119
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(999, 0, free))
    settings.MIN_FREE = 100
    one = Uploading(alice)
    one.api = Api(alice, headers={"accept-language": "zh-cn"})
    assert told(one.begin()) == (503, ROOM, "60")
    free = 120
    assert one.begin().status_code == 201
    assert one.put(0).json() == {"received": 10}
    free = 109
    assert told(one.finish()) == (503, ROOM, "60")
    assert all_files() == [1]
    free = 110
    assert one.finish().status_code == 200


def all_files():
    folders = attachments_folder(), previews_folder(), parts_folder()
    return [len(os.listdir(folder)) for folder in folders if folder.is_dir()]


@pytest.mark.parametrize("place", ["the content", "the preview", "the row"])
def test_a_failure_at_the_end_leaves_nothing_and_the_next_try_goes_on(alice, monkeypatch, place):
    one = Uploading(alice, photo((60, 40)), "picture", "x.jpg")
    one.begin()
    one.put(0)
    if place == "the row":

        def fail(*args, **kwargs):
            raise OperationalError("database is locked")

        monkeypatch.setattr(uploads.UploadQuerySet, "update", fail)
    else:
        whole = processing.sync_folder

        def fail_then(folder):
            if folder == (attachments_folder() if place == "the content" else previews_folder()):
                raise OSError(errno.EIO, "broken")
            whole(folder)

        monkeypatch.setattr(processing, "sync_folder", fail_then)
    assert one.finish().status_code == 503
    monkeypatch.undo()
    assert sum(all_files()) == 1  # its part
    assert one.finish().status_code == 200
    assert all_files() == [1, 1, 0]


def test_the_names_of_the_first_folders_are_synced_before_they_are_promised(
    alice, settings, monkeypatch
):
    synced = []
    monkeypatch.setattr(processing, "sync_folder", synced.append)
    for _file in range(2):
        Uploading(alice, photo((60, 40)), "picture", "x.jpg").whole()
    folders = [attachments_folder(), previews_folder()]
    first = [settings.DATA_DIR, folders[0], settings.DATA_DIR, folders[1]]
    assert synced == first + folders


def test_who_waits_for_another_worker_leaves_no_empty_part(one, monkeypatch):
    one.put(0)
    Upload.objects.update(state="processing")
    take = locks.take

    def after_the_other(path, seconds):
        monkeypatch.setattr(locks, "take", take)
        processing.run(one.row.pk)
        return take(path, seconds=seconds)

    monkeypatch.setattr(locks, "take", after_the_other)
    assert one.finish().status_code == 200
    assert all_files() == [1, 0]


def test_who_waits_for_another_worker_that_has_lost_it_takes_no_bytes_away(one, monkeypatch):
    one.put(0)
    Upload.objects.update(state="processing")
    take = locks.take

    def begun_again(path, seconds):
        Upload.objects.update(state="open", received=0)
        return take(path, seconds=seconds)

    monkeypatch.setattr(locks, "take", begun_again)
    processing.run(one.row.pk)
    assert one.row.part_path.exists()


def test_what_another_worker_is_at_is_asked_for_again(one, monkeypatch):
    monkeypatch.setattr(processing, "ELSEWHERE_SECONDS", 0.1)
    one.put(0)
    with locks.take(one.row.part_path):
        answer = one.finish()
        assert (answer.status_code, answer.json()) == (202, {"state": "processing"})
    assert one.finish().status_code == 200


# What is left


@pytest.mark.parametrize(
    ("state", "is_needless"),
    [("open", False), ("processing", False), ("ready", True), ("sent", True)],
)
def test_the_part_of_a_file_that_is_ready_is_swept_at_once(one, state, is_needless):
    """As after a kill between the commit and the deletion: the part still has its places."""
    one.put(0)
    Upload.objects.update(state=state)
    assert sweeping.find_orphans() == ([one.row.part_path] if is_needless else [])


def test_a_part_without_its_row_goes_after_a_day(one):
    one.put(0)
    stray = parts_folder() / "stray"
    stray.write_bytes(b"x")
    assert sweeping.find_orphans() == []
    for path in parts_folder().iterdir():
        os.utime(path, (1, 1))
    assert sweeping.find_orphans() == [stray]


# A clock that is wrong


def prune(now):
    for chore in sweeping.chores(now):
        for _number in chore.work():
            pass


def test_what_a_clock_that_was_ahead_has_swept_is_begun_again(
    one, django_capture_on_commit_callbacks
):
    one.put(0, b"01234")
    path = one.row.part_path
    with django_capture_on_commit_callbacks(execute=True):
        prune(timezone.now() + timedelta(hours=25))
    assert not path.exists()
    for answer in (one.put(5), one.look(), one.finish()):
        assert error_of(answer) == (404, "not_found")
    assert one.begin().status_code == 201
    assert one.put(0).json() == {"received": 10}
    assert one.finish().status_code == 200


def test_what_is_dated_tomorrow_keeps_nobody_from_sending_today(one, alice, settings):
    settings.UPLOAD_DAILY = 10
    tomorrow = timezone.now() + timedelta(hours=24)
    UsedQuota.objects.create(owner=alice, bytes=10, at=tomorrow)
    Upload.objects.update(created_at=tomorrow)
    another = Uploading(alice)
    assert another.begin().status_code == 201
    # A restore brings such rows back; a day after their date they are gone.
    prune(tomorrow + timedelta(hours=25))
    assert not UsedQuota.objects.filter(at=tomorrow).exists()
