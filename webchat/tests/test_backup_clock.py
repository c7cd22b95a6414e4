"""Backups that were made while the clock was wrong."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command

from chat.moderation import troubles
from webchat.database import backup
from webchat.database.backup import backups_in, keep_newest, own_folder
from webchat.doctor import data
from webchat.doctor.finding import Level

NOW = datetime(2026, 11, 26, 3, 30, tzinfo=UTC)
NIGHT = timedelta(days=1)


@pytest.fixture(autouse=True)
def now(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    own_folder().mkdir()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def make(moment: datetime):
    """Make what looks like a backup of that moment."""
    path = own_folder() / f"webchat-{moment:%Y%m%d-%H%M%S}Z.tar.gz"
    path.touch()
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def test_another_backup_that_makes_room_in_the_same_folder_is_in_nobodys_way(monkeypatch):
    paths = [make(NOW - days * NIGHT) for days in range(1, 5)]
    found = backup.is_of_the_future

    def delete_and_look(path):
        path.unlink(missing_ok=True)
        return found(path)

    monkeypatch.setattr(backup, "is_of_the_future", delete_and_look)
    assert keep_newest(own_folder(), 1) == sorted(paths)
    make(NOW)
    assert backup.newest_backup().name.startswith("webchat-2026")


def test_after_nights_with_a_clock_ahead_the_new_one_stays_and_they_go_first():
    future = [make(NOW + 1000 * NIGHT + n * NIGHT) for n in range(5)]
    good = make(NOW - 9 * NIGHT)
    new = make(NOW)
    assert keep_newest(own_folder(), 3, written=new) == future[:4]
    assert backups_in(own_folder()) == [future[4], good, new]
    assert keep_newest(own_folder(), 1, written=new) == [future[4], good]


@pytest.mark.parametrize("keep", [1, 2, 3, 5])
def test_under_a_clock_that_is_behind_the_new_one_stays_and_so_do_the_best_others(now, keep):
    old = [make(NOW - n * NIGHT) for n in range(3)]
    now.move_to(datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    new = make(datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    keep_newest(own_folder(), keep, written=new)
    assert set(backups_in(own_folder())) == {new, *old[: keep - 1]}


def test_a_clock_put_right_by_a_little_makes_no_backup_doubtful():
    assert not backup.is_of_the_future(make(NOW + timedelta(minutes=4)))
    assert backup.is_of_the_future(make(NOW + timedelta(minutes=6)))


def test_a_date_of_the_file_in_the_future_is_as_doubtful_as_a_name():
    path = make(NOW)
    os.utime(path, ((NOW + NIGHT).timestamp(),) * 2)
    assert backup.is_of_the_future(path)


def test_a_second_backup_in_one_second_replaces_nothing():
    assert backup._free_place(own_folder()) == make(NOW)
    assert backup._free_place(own_folder()) == make(NOW + timedelta(seconds=1))


def test_the_doctor_and_the_front_page_of_the_admin_name_them():
    make(NOW + 1000 * NIGHT)
    assert data.check_backup().level == Level.WRONG
    assert data.check_backup().message in [each.message for each in troubles.troubles()]
    make(NOW - NIGHT)
    assert data.check_backup().level == Level.ADVICE
    assert data.check_backup().message in [each.message for each in troubles.troubles()]


def test_an_old_one_is_old_whatever_lies_in_the_future():
    make(NOW + 1000 * NIGHT)
    make(NOW - 4 * NIGHT)
    finding = data.check_backup()
    assert (finding.level, "4" in finding.message) == (Level.WRONG, True)


def test_the_command_keeps_what_it_has_written_and_warns(monkeypatch, capsys):
    future = [make(NOW + 1000 * NIGHT + n * NIGHT) for n in range(4)]
    monkeypatch.setattr(backup, "write_backup", lambda folder, step: make(NOW))
    call_command("backup", "--keep", "3")
    out, err = capsys.readouterr()
    assert out.startswith(str(make(NOW)))
    assert backups_in(own_folder()) == [*future[2:], make(NOW)]
    assert [path.name in err for path in future] == [False, False, True, True]
