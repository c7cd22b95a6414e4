"""The record of the last nightly run."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest
from django.utils import timezone

from webchat import nightly
from webchat.doctor.data import check_nightly
from webchat.doctor.finding import Level
from webchat.nightly import Nightly, last_nightly


@pytest.fixture
def data(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_what_was_recorded_is_read_back_and_nobody_else_can(data):
    assert last_nightly() is None
    now = timezone.now()
    for run in (Nightly(now), Nightly(now, {"backup": "磁盘已满。"}, mailed_at=now, to="/mnt/usb")):
        nightly.record(run)
        assert last_nightly() == run
    assert (last_nightly().is_well, last_nightly().is_late) == (False, False)
    assert Nightly(now - timedelta(hours=49)).is_late
    [file] = data.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_with_a_name_in_another_encoding_is_recorded_and_read_back(data):
    run = Nightly(timezone.now(), {"backup --to": "没有 /mnt/\udcb1"}, to="/mnt/\udcb1\udcb8")
    nightly.record(run)
    assert last_nightly() == run


def test_the_longest_record_is_read_back(data):
    words = "\U00020000" * nightly.SENTENCE_LENGTH
    run = Nightly(timezone.now(), {str(number): words for number in range(6)})
    nightly.record(run)
    assert last_nightly() == run


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[]", b"{}", b'"x"', b"[" * 60_000, b"null", b"{" * 90_000,
        json.dumps({"at": "soon", "failures": {}, "mailed_at": None, "to": ""}).encode(),
        json.dumps({"at": "2026-01-01", "failures": {}, "mailed_at": None, "to": ""}).encode(),
        json.dumps({"at": 7, "failures": {}, "mailed_at": None, "to": ""}).encode(),
        json.dumps({"at": "2026-01-01T00:00Z", "failures": 7, "mailed_at": 1, "to": ""}).encode(),
    ],
)  # fmt: skip
def test_a_record_that_makes_no_sense_is_none(data, content):
    (data / nightly.FILE_NAME).write_bytes(content)
    assert last_nightly() is None


def test_a_record_that_cannot_be_written_leaves_the_one_before(data, monkeypatch):
    before = Nightly(timezone.now())
    nightly.record(before)

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="space"):
        nightly.record(Nightly(timezone.now(), {"backup": "x"}))
    assert last_nightly() == before
    assert len(list(data.iterdir())) == 1


def test_the_doctor_looks_at_the_last_night(data):
    assert check_nightly().level == Level.OK
    now = timezone.now()
    nightly.record(Nightly(now, {"doctor": "found by the other checks, too"}))
    assert check_nightly().level == Level.OK
    nightly.record(Nightly(now, {"backup --to": "磁盘已满。"}))
    finding = check_nightly()
    assert (finding.level, finding.fix) == (Level.WRONG, "磁盘已满。")
    assert "另一块磁盘上的备份" in finding.message
    nightly.record(Nightly(now - timedelta(hours=49)))
    assert check_nightly().level == Level.WRONG


def test_a_copy_that_is_being_made_is_no_failure_and_one_that_never_ended_is(data):
    now = timezone.now()
    nightly.record(Nightly(now - timedelta(hours=5), to="/mnt/nas", is_unfinished=True))
    assert last_nightly().is_well
    assert check_nightly().level == Level.OK
    nightly.record(Nightly(now - timedelta(hours=7), to="/mnt/nas", is_unfinished=True))
    finding = check_nightly()
    assert finding.level == Level.WRONG
    assert "另一块磁盘上的备份" in finding.message
    assert "没有做完" in finding.fix


def test_a_record_of_the_version_before_is_read(data):
    nightly.record(Nightly(timezone.now()))
    path = data / nightly.FILE_NAME
    facts = json.loads(path.read_text())
    del facts["is_unfinished"]
    path.write_text(json.dumps(facts))
    assert last_nightly().is_unfinished is False


def test_a_first_night_that_never_comes_is_told(data, settings):
    """As with the timer of a release that did not yet know the command."""
    home = data / "home"
    settings.BASE_DIR = home / "releases/1"
    settings.BASE_DIR.mkdir(parents=True)
    (home / "current").symlink_to(settings.BASE_DIR)
    whole = settings.BASE_DIR / ".content"
    whole.touch()
    assert check_nightly().level == Level.OK
    long_ago = (timezone.now() - timedelta(hours=49)).timestamp()
    os.utime(whole, (long_ago, long_ago))
    finding = check_nightly()
    assert (finding.level, finding.fix) == (
        Level.WRONG,
        "systemctl status webchat-nightly.timer",
    )
