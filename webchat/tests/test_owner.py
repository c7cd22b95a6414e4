"""The user as whom root runs a command: the owner of what it writes."""

from __future__ import annotations

import os
import pwd

import pytest

from webchat import owner

NOBODY = pwd.getpwnam("nobody").pw_uid
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")


@pytest.fixture
def became(monkeypatch, settings, tmp_path):
    """Root in somebody's folder, whose data are root's; the list says whom it has become."""
    uids = []
    monkeypatch.setenv("SUDO_USER", "eva")
    monkeypatch.setattr(owner, "_become", lambda uid, gid: uids.append(uid))
    monkeypatch.setattr(owner, "_first_closed", lambda: None)
    settings.STATIC_ROOT = tmp_path / "staticfiles"
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    (tmp_path / "locale").mkdir()
    (tmp_path / "data").mkdir()
    for path in (tmp_path, tmp_path / "locale"):
        os.chown(path, NOBODY, NOBODY)
    return uids


@pytest.mark.parametrize("command", ["collectstatic", "compilemessages", "makemessages"])
def test_what_is_written_beside_the_program_is_for_its_owner(became, tmp_path, command):
    owner.leave_root(tmp_path / "data", command)
    assert became == [NOBODY]


@pytest.mark.parametrize(("before", "typed_by"), [(None, "root"), ("eva", "eva")])
def test_who_has_typed_a_command_stays_known(became, tmp_path, monkeypatch, before, typed_by):
    if before is None:
        monkeypatch.delenv("SUDO_USER")
    os.chown(tmp_path / "data", NOBODY, NOBODY)
    owner.leave_root(tmp_path / "data", "changepassword")
    assert became == [NOBODY]
    assert os.environ["SUDO_USER"] == typed_by


def test_a_folder_of_roots_own_stays_roots(became, tmp_path):
    for path in (tmp_path, tmp_path / "locale"):
        os.chown(path, 0, 0)
    os.chown(tmp_path / "data", NOBODY, NOBODY)  # as in an installation
    owner.leave_root(tmp_path / "data", "collectstatic")
    assert became == []
    owner.leave_root(tmp_path / "data", "backup")
    assert became == [NOBODY]


def test_of_backups_the_folder_tells_whether_root_has_left_them(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    ours, roots = tmp_path / "webchat-20260101-030000Z", tmp_path / "webchat-20260102-030000Z"
    for folder in (ours, roots):
        folder.mkdir()
        (folder / "manifest.json").touch()
    (tmp_path / "nightly.json").touch()
    for path in (tmp_path, ours):
        os.chown(path, NOBODY, NOBODY)
    assert sorted(owner.left_by_root()) == [tmp_path / "nightly.json", roots]


def test_a_server_asks_before_django_has_its_settings(became, monkeypatch, tmp_path):
    monkeypatch.setattr(owner, "settings", None)
    os.chown(tmp_path / "data", NOBODY, NOBODY)
    owner.leave_root(tmp_path / "data")
    assert became == [NOBODY]


def test_what_writes_nothing_needs_no_owner(became, tmp_path):
    for command in ("help", "version", "--help"):
        owner.leave_root(tmp_path / "data", command)
    assert became == []


def test_files_from_elsewhere_have_an_owner_without_an_account(became, tmp_path):
    for path in (tmp_path, tmp_path / "locale"):
        os.chown(path, 64103, 64103)
    owner.leave_root(tmp_path / "data", "collectstatic")
    assert became == []


def test_a_system_that_lets_nobody_go_says_so(monkeypatch, tmp_path):
    def refuse(*_ids):
        raise PermissionError(1, "Operation not permitted")

    os.chown(tmp_path, NOBODY, NOBODY)
    monkeypatch.setattr(os, "initgroups", refuse)
    with pytest.raises(SystemExit) as end:
        owner.leave_root(tmp_path)
    assert "CAP_SETUID" in str(end.value)
    assert "sudo -u nobody" in str(end.value)
