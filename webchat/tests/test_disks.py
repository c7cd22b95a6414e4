"""Backups on a disk of their own: it is there, it is mounted, and old ones make room."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from webchat import disks
from webchat.database import backup


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """The tables of what is mounted and of what should be, as a test writes them."""
    monkeypatch.setattr(disks, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(disks, "PLANNED", tmp_path / "fstab")
    monkeypatch.setattr(disks, "FOR_DISKS", (str(tmp_path / "mnt"),))
    monkeypatch.setattr(disks.settings, "DATA_DIR", tmp_path)
    (tmp_path / "mnt/usb 1/webchat").mkdir(parents=True)
    (tmp_path / "nas").mkdir()

    def write(mounted=(), planned=(), more=()):
        places = [str(each).replace(" ", "\\040") for each in mounted]
        rows = ["1 0 8:1 / / rw - ext4 /dev/root rw", "2 1 0:5 / /proc rw - proc proc rw"]
        rows += [f"{3 + at} 1 8:{17 + at} / {p} rw - ext4 /dev/x" for at, p in enumerate(places)]
        (tmp_path / "mounts").write_text("\n".join([*rows, *more]))
        rows = ["# <what> <where>", "/dev/root / ext4", "", "tmp none swap"]
        rows += [f"UUID=1 {each} ext4" for each in planned]
        (tmp_path / "fstab").write_text("\n".join(rows))

    write()
    return SimpleNamespace(write=write, root=tmp_path)


def test_a_place_for_disks_without_one_is_refused(tables):
    folder = tables.root / "mnt/usb 1/webchat"
    with pytest.raises(disks.NotMountedError, match="usb 1/webchat"):
        disks.check_other_disk(folder)
    tables.write(mounted=[tables.root / "mnt/usb 1"])
    assert "同一块磁盘" in disks.check_other_disk(folder)  # in this test it is


def test_a_disk_that_the_system_should_have_mounted_is_missed(tables):
    folder = tables.root / "nas"
    assert disks.check_other_disk(folder), "only advice: nobody has planned a disk there"
    tables.write(planned=[folder])
    with pytest.raises(disks.NotMountedError, match="nas"):
        disks.check_other_disk(folder)
    tables.write(planned=[folder], mounted=[folder])
    disks.check_other_disk(folder)


def test_a_folder_that_a_service_has_mounted_onto_itself_is_no_disk(tables):
    folder = tables.root / "nas"
    (folder / "webchat").mkdir()
    for place in (folder, folder / "webchat"):
        tables.write(planned=[folder], more=[f"9 1 8:1 {place} {place} rw - ext4 /dev/root rw"])
        with pytest.raises(disks.NotMountedError, match="nas"):
            disks.check_other_disk(folder / "webchat")
        onto_the_disk = f"9 3 8:17 /{place.relative_to(folder)} {place} rw - ext4 /dev/x rw"
        tables.write(planned=[folder], mounted=[folder], more=[onto_the_disk])
        disks.check_other_disk(folder / "webchat")
    elsewhere = f"9 1 8:1 /srv/nas {folder} rw - ext4 /dev/root rw"
    tables.write(planned=[folder], more=[elsewhere])
    disks.check_other_disk(folder)


def test_a_folder_of_a_subvolume_mounted_onto_itself_is_no_disk(tables):
    folder = tables.root / "mnt/usb 1"
    place = str(folder).replace(" ", "\\040")
    rows = ["1 0 0:30 /@ / rw - btrfs /dev/x rw", f"9 1 0:30 /@{place} {place} rw - btrfs /dev/x"]
    (tables.root / "mounts").write_text("\n".join(rows))
    with pytest.raises(disks.NotMountedError, match="usb 1"):
        disks.check_other_disk(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_the_systems_own_table_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(disks, "FOR_DISKS", (str(tmp_path),))
    folder = tmp_path / "usb"
    folder.mkdir()
    for kind in (["--bind", str(folder)], ["-t", "tmpfs", "none"]):
        if subprocess.run(["mount", *kind, str(folder)], capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")
        try:
            if "tmpfs" in kind:
                disks.check_other_disk(folder)
                continue
            with pytest.raises(disks.NotMountedError, match="usb"):
                disks.check_other_disk(folder)
        finally:
            subprocess.run(["umount", str(folder)], check=True)


def test_a_link_leads_to_where_it_points(tables):
    (tables.root / "usb").symlink_to(tables.root / "mnt/usb 1")
    with pytest.raises(disks.NotMountedError):
        disks.check_other_disk(tables.root / "usb")


def test_where_nobody_can_tell_what_is_mounted_nothing_is_refused(tables):
    (tables.root / "mounts").unlink()
    disks.check_other_disk(tables.root / "mnt/usb 1/webchat")


def test_a_folder_that_is_missing_or_none_is_not_made(tables, tmp_path):
    with pytest.raises(CommandError, match="没有 .*nowhere"):
        call_command("backup", "--to", str(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="不是文件夹"):
        call_command("backup", "--to", str(tmp_path / "file"))


def test_another_disk_is_another_one(tables, monkeypatch):
    (tables.root / "nas/data").mkdir()
    real = disks.os.stat(tables.root).st_dev
    monkeypatch.setattr(disks, "_device", lambda path: real + (path.name == "data"))
    monkeypatch.setattr(disks.settings, "DATA_DIR", tables.root / "nas/data")
    assert disks.check_other_disk(tables.root / "nas") == ""


def test_old_ones_make_room_only_where_they_would_go_anyway(tmp_path, settings, monkeypatch):
    settings.DATA_DIR = tmp_path / "data"
    folder = tmp_path / "usb"
    folder.mkdir()
    names = [f"webchat-2026010{day}-030000.tar.gz" for day in range(1, 6)]
    for name in names:
        (folder / name).touch()
    assert backup.make_room(folder, 3) == [], "there is room"
    monkeypatch.setattr(backup, "bytes_to_write", lambda shared, *, links: 2**60)
    assert backup.make_room(folder, 1) == [], "the only one stays until the new one is there"
    assert [path.name for path in backup.make_room(folder, 3)] == names[:3]
    assert len(list(folder.iterdir())) == 2
    assert backup.make_room(folder, 3) == []
