"""The record of the places of backups, and what doctor says of their age."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from webchat import backup_places
from webchat.backup_places import known_places, note_place
from webchat.database.backup import own_folder
from webchat.doctor import data
from webchat.doctor.finding import Level


@pytest.fixture
def folder(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_the_latest_places_are_remembered_each_once(folder):
    for number in range(25):
        note_place(Path(f"/mnt/{number}"), is_complete=True)
    note_place(Path("/mnt/7"), is_complete=False)
    note_place(Path("/mnt/\udcb1"), is_complete=False)
    note_place(folder / "backups", is_complete=True)
    places = list(known_places())
    assert len(places) == backup_places.PLACES_AT_MOST
    assert places[-3:] == [Path("/mnt/24"), Path("/mnt/7"), Path("/mnt/\udcb1")]
    assert [path.name for path in folder.iterdir()] == [backup_places.FILE_NAME]


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "null", "[" * 90_000, '{"/mnt": 7}', '{"/mnt": "2026-01-01"}', "7"]
)
def test_a_record_that_makes_no_sense_is_none(folder, content):
    (folder / backup_places.FILE_NAME).write_text(content)
    assert known_places() == {}
    note_place(Path("/mnt/usb"), is_complete=False)
    assert known_places() == {Path("/mnt/usb"): None}


def test_the_longest_record_is_read_back(folder):
    for number in range(backup_places.PLACES_AT_MOST):
        note_place(Path(f"/{number:02}" + "\U00020000" * 1020), is_complete=True)
    assert len(known_places()) == backup_places.PLACES_AT_MOST


def test_doctor_advises_about_an_old_backup_on_another_disk(folder):
    own_folder().mkdir()
    (own_folder() / "webchat-20260101-030000Z.tar.gz").touch()
    assert data.check_backup().level == Level.OK
    with time_machine.travel(timezone.now() - timedelta(days=40), tick=False):
        note_place(Path("/mnt/nas-that-never-answers"), is_complete=True)
    note_place(Path("/mnt/usb"), is_complete=False)
    finding = data.check_backup()
    assert finding.level == Level.ADVICE
    assert "40" in finding.message
    note_place(Path("/mnt/usb"), is_complete=True)
    assert data.check_backup().level == Level.OK
