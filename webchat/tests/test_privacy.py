"""Others on the same machine may do nothing with what is kept."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.server import ROOT
from webchat import lent as lending
from webchat import privacy

NOBODY = 64123  # a number that no account has


@pytest.fixture
def data(settings, tmp_path, monkeypatch) -> Path:
    """Data as the first versions left them: for everybody to read."""
    folder = tmp_path / "lab/data"
    (folder / "attachments").mkdir(parents=True)
    for name in ("db.sqlite3", "db.sqlite3-wal", "serving.lock", "attachments/a.png"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    (tmp_path / "lab/.env").touch()
    (tmp_path / "lab/.env").chmod(0o664)
    for path in (folder, folder / "attachments", tmp_path / "lab"):
        path.chmod(0o755)
    settings.BASE_DIR, settings.DATA_DIR = tmp_path / "lab", folder
    settings.DATABASE_FILE = folder / "db.sqlite3"
    monkeypatch.setenv("DATA_DIR", str(folder))
    return folder


def modes(*paths: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in paths}


def test_everything_is_closed_once_and_each_is_named(data):
    lines = privacy.close_to_others()
    assert modes(data, data / "attachments") == {0o700}
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert modes(*files, data.parent / ".env") == {0o600}
    assert len(lines) == len(files) + 3
    for path in (data, *data.rglob("*"), data.parent / ".env"):
        assert any(str(path) in line for line in lines), path
    assert privacy.close_to_others() == []


def test_to_look_changes_nothing(data):
    before = modes(data, data / "db.sqlite3")
    assert f"chmod go-rwx {data}" in privacy.close_to_others(only_look=True)
    assert modes(data, data / "db.sqlite3") == before


def test_a_database_elsewhere_is_closed_and_its_folder_is_not(data, settings, tmp_path):
    settings.DATABASE_FILE = tmp_path / "elsewhere/chat.sqlite3"
    settings.DATABASE_FILE.parent.mkdir(mode=0o755)
    settings.DATABASE_FILE.parent.chmod(0o755)
    for name in ("chat.sqlite3", "chat.sqlite3-shm"):
        (tmp_path / "elsewhere" / name).touch()
        (tmp_path / "elsewhere" / name).chmod(0o644)
    privacy.close_to_others()
    assert modes(settings.DATABASE_FILE, tmp_path / "elsewhere/chat.sqlite3-shm") == {0o600}
    assert modes(tmp_path / "elsewhere") == {0o755}


def test_what_is_in_a_closed_backup_is_not_looked_at_at_each_start(data):
    backup = data / "backups/webchat-20261123-033000Z"
    (backup / "attachments").mkdir(parents=True)
    for path in (backup, backup / "attachments"):
        path.chmod(0o755)
    (backup / "attachments/a.png").touch()
    (backup / "attachments/a.png").chmod(0o644)
    privacy.close_to_others()
    assert modes(backup, backup / "attachments") == {0o700}
    assert modes(backup / "attachments/a.png") == {0o600}, "it was open"
    (backup / "attachments/a.png").chmod(0o644)
    assert privacy.close_to_others() == []
    assert modes(backup / "attachments/a.png") == {0o644}


def test_many_files_are_no_flood_of_lines(data):
    for number in range(50):
        (data / "attachments" / f"{number}.png").touch()
        (data / "attachments" / f"{number}.png").chmod(0o644)
    lines = privacy.close_to_others()
    assert len(lines) == privacy.LINES + 1
    assert modes(*(data / "attachments").iterdir()) == {0o600}


def test_where_a_link_leads_is_told_and_not_touched(data, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    other.chmod(0o755)
    (data / "backups").symlink_to(other)
    [line] = [line for line in privacy.close_to_others() if "backups" in line]
    assert f"chmod go-rwx {other}" in line
    assert modes(other) == {0o755}
    other.chmod(0o700)
    assert privacy.close_to_others() == []


@pytest.mark.parametrize(
    ("mode", "is_told"), [(0o777, True), (0o757, True), (0o1777, False), (0o755, False)]
)
def test_a_folder_above_that_others_may_write_into_is_told(data, mode, is_told):
    privacy.close_to_others()
    data.parent.chmod(mode)
    lines = privacy.close_to_others()
    assert [str(data.parent) in line for line in lines] == [True] * is_told


def test_a_link_that_others_may_replace_is_told(data, tmp_path, monkeypatch):
    privacy.close_to_others()
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "link").symlink_to(data)
    monkeypatch.setenv("DATA_DIR", str(shared / "link"))
    [line] = privacy.close_to_others()
    assert str(shared) in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_what_belongs_to_somebody_else_is_told(data, monkeypatch):
    privacy.close_to_others()
    os.chown(data / "db.sqlite3", NOBODY, NOBODY)
    assert privacy.close_to_others() == [], "root may be anybody"
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY + 1)
    for path in (data, data / "attachments", data / "serving.lock", data.parent / ".env"):
        os.chown(path, NOBODY + 1, 0)
    assert f"Belongs to {NOBODY}" in " ".join(
        line for line in privacy.close_to_others() if "db.sqlite3" in line
    )


def test_whatever_we_write_is_for_us_alone():
    code = (
        "import django, os; django.setup();"
        "print(oct(os.umask(0)));"
        "from django.core.management import get_commands; print(get_commands()['collectstatic'])"
    )
    said = subprocess.run(
        ["sh", "-c", 'umask 000; exec "$0" -c "$1"', sys.executable, code],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.split() == ["0o77", "webchat"]


@pytest.fixture
def lent(data, settings):
    """Data that nginx may send files from."""
    settings.NGINX_SENDS_FILES = True
    (data / "previews").mkdir()
    for name in ("previews/a", "backups/a.png"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).touch()
    return data


def test_what_nginx_sends_stays_open_to_its_group_and_nothing_else(lent):
    for _start in range(2):
        privacy.close_to_others()
        assert modes(lent) == {0o710}
        assert modes(lent / "attachments", lent / "previews") == {0o750}
        assert modes(lent / "attachments/a.png", lent / "previews/a") == {0o640}
        closed = [lent / name for name in ("db.sqlite3", "db.sqlite3-wal", "backups/a.png")]
        assert modes(*closed, lent.parent / ".env") == {0o600}
        assert modes(lent / "backups") == {0o700}
    assert privacy.close_to_others() == []
    assert privacy.close_to_others(only_look=True) == []


def test_what_a_release_before_has_closed_is_opened_without_a_word(lent):
    privacy.close_to_others()
    for path in (lent, lent / "attachments", lent / "attachments/a.png"):
        path.chmod(path.stat().st_mode & 0o700)
    assert privacy.close_to_others(only_look=True) == []
    assert modes(lent / "attachments/a.png") == {0o600}, "to look changes nothing"
    assert privacy.close_to_others() == []
    assert modes(lent) == {0o710}
    assert modes(lent / "attachments/a.png") == {0o640}


def test_nothing_is_lent_to_a_group_of_many(lent, monkeypatch):
    monkeypatch.setattr(
        lending.grp, "getgrgid", lambda number: SimpleNamespace(gr_name="everybody")
    )
    lending._has_own_group.cache_clear()
    privacy.close_to_others()
    lending._has_own_group.cache_clear()
    assert modes(lent) == modes(lent / "attachments") == {0o700}
    assert modes(lent / "attachments/a.png") == {0o600}


def test_without_the_setting_all_is_closed_again(lent, settings):
    privacy.close_to_others()
    (lent / "attachments").chmod(0o2750)
    settings.NGINX_SENDS_FILES = False
    lines = privacy.close_to_others()
    assert modes(lent, lent / "attachments") == {0o700}
    assert modes(lent / "attachments/a.png") == {0o600}
    assert any("attachments/a.png" in line for line in lines)


def test_a_second_name_of_a_file_in_a_closed_folder_does_not_close_it(lent):
    os.link(lent / "attachments/a.png", lent / "backups/kept")
    for _start in range(2):
        privacy.close_to_others()
    assert modes(lent / "attachments/a.png") == {0o640}
    assert modes(lent / "backups") == {0o700}
    assert privacy.close_to_others() == []
