"""Backups that are folders: whole by themselves, and their files shared."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import tarfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from webchat import backup_doubts
from webchat.database import (
    archive,
    backup,
    copies,
    folders,
    gathering,
    generations,
    packing,
    scratch,
)
from webchat.database.backup import own_folder
from webchat.doctor import data as doctor
from webchat.doctor.finding import Level

from .test_keeping import manage


@pytest.fixture
def data(tmp_path, settings, monkeypatch):
    """Data of three files, of which there are too many for one file."""
    monkeypatch.setattr(packing, "ONE_FILE_BYTES", 0)
    monkeypatch.setattr(gathering, "_is_due", lambda name: False)
    settings.DATA_DIR = tmp_path / "data"
    settings.DATABASE_FILE = settings.DATA_DIR / "db.sqlite3"
    (settings.DATA_DIR / "attachments").mkdir(parents=True)
    with closing(sqlite3.connect(settings.DATABASE_FILE)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        for table in (*copies.COUNTED, "django_migrations"):
            database.execute(f"CREATE TABLE {table} (app, name)")
        database.execute("CREATE TABLE chat_attachment (file, sha256)")
    for name in ("a", "b", "c"):
        send(settings.DATA_DIR, name)
    return settings.DATA_DIR


def run(data: Path, sql: str, *values: str) -> None:
    with closing(sqlite3.connect(data / "db.sqlite3")) as database, database:
        database.execute(sql, values)


def content(name: str) -> bytes:
    return f"content of {name}".encode() * 10


def send(data: Path, name: str) -> None:
    (data / "attachments" / name).write_bytes(content(name))
    sha256 = hashlib.sha256(content(name)).hexdigest()
    run(data, "INSERT INTO chat_attachment VALUES (?, ?)", name, sha256)


def recall(data: Path, name: str) -> None:
    run(data, "DELETE FROM chat_attachment WHERE file = ?", name)
    (data / "attachments" / name).unlink()


def manifest(path: Path) -> dict:
    return json.loads((path / "manifest.json").read_text())


def names(path: Path) -> set[str]:
    return set(os.listdir(path / "attachments"))


def named(path: Path) -> dict[str, str]:
    """Return the files that the database of a backup names."""
    unpacked = path.parent / f"of-{path.name}"
    unpacked.write_bytes(gzip.decompress((path / "db.sqlite3.gz").read_bytes()))
    with closing(sqlite3.connect(unpacked)) as database:
        return dict(database.execute("SELECT file, sha256 FROM chat_attachment").fetchall())


def inode(path: Path, name: str) -> int:
    return (path / "attachments" / name).stat().st_ino


def test_each_is_complete_and_a_second_one_copies_only_what_is_new(data):
    first = backup.write_backup(own_folder())
    assert doctor.check_backup_files().level == Level.OK
    send(data, "d")
    second = backup.write_backup(own_folder())
    assert backup.backups_in(own_folder()) == [first, second]
    assert [names(each) for each in (first, second)] == [{"a", "b", "c"}, {"a", "b", "c", "d"}]
    assert [inode(first, each) for each in "abc"] == [inode(second, each) for each in "abc"]
    assert inode(second, "a") != (data / "attachments/a").stat().st_ino
    assert {path.stat().st_mode & 0o077 for path in second.rglob("*")} == {0}
    for each in "abcd":
        fact = manifest(second)["files"][f"attachments/{each}"]
        assert fact["sha256"] == hashlib.sha256(content(each)).hexdigest()
    size = backup.bytes_of([first, second])
    assert size < backup.bytes_of([first]) + backup.bytes_of([second])
    backup.keep_newest(own_folder(), 1, written=second)
    assert [path.name for path in own_folder().iterdir()] == [second.name]
    assert (second / "attachments/a").read_bytes() == content("a")


# Files with several names


def forward(data: Path, name: str, source: str) -> None:
    os.link(data / "attachments" / source, data / "attachments" / name)
    sha256 = hashlib.sha256(content(source)).hexdigest()
    run(data, "INSERT INTO chat_attachment VALUES (?, ?)", name, sha256)


def test_a_forwarded_file_takes_no_more_room_in_a_backup_than_on_the_server(data):
    forward(data, "d", "b")
    needed = backup.bytes_to_write(None)
    steps = []
    first = backup.write_backup(own_folder(), steps.append)
    assert inode(first, "d") == inode(first, "b") != inode(first, "a")
    assert inode(first, "d") != (data / "attachments/b").stat().st_ino
    for name in ("0", "e"):  # before and after the first of its names
        forward(data, name, "b")
    second = backup.write_backup(own_folder())
    assert names(second) == {"0", "a", "b", "c", "d", "e"}
    assert {inode(second, each) for each in "0bde"} == {inode(first, "b")}
    fact = {"bytes": len(content("b")), "sha256": hashlib.sha256(content("b")).hexdigest()}
    assert manifest(second)["files"]["attachments/e"] == fact
    files = sum(len(content(each)) for each in "abc")
    assert needed == 2 * (data / "db.sqlite3").stat().st_size + files
    assert packing.bytes_to_copy(generations.shared_of(first)) == 0
    assert packing.bytes_to_copy(None, links=False) == files + 3 * len(content("b"))
    assert packing.notes_of(second) == packing.Notes()


def test_a_number_that_is_given_to_another_file_brings_no_wrong_content(data, monkeypatch):
    """As soon as a file is deleted, its inode may be that of the next."""
    real, done = gathering.Gathering._copy, []

    def copy(self, name):
        found = real(self, name)
        if name == "a":
            files = data / "attachments"
            for old, new in (("c", "free"), ("a", "c"), ("free", "a")):
                (files / old).rename(files / new)
            (files / "c").write_bytes(content("c"))
            done.append(name)
        return found

    monkeypatch.setattr(gathering.Gathering, "_copy", copy)
    monkeypatch.setattr(copies, "files_in", lambda database: dict.fromkeys("abc", ""))
    path = backup.write_backup(own_folder())
    assert done == ["a"]
    assert (path / "attachments/c").read_bytes() == content("c")


def test_a_file_that_takes_no_more_names_is_copied_and_all_others_are_shared(data, monkeypatch):
    first = backup.write_backup(own_folder())
    for name in ("d", "e"):
        forward(data, name, "b")
    real, full = os.link, inode(first, "b")

    def link(source, target, **options):
        if os.stat(source).st_ino == full and os.stat(source).st_nlink == 2:
            raise OSError(errno.EMLINK, os.strerror(errno.EMLINK))
        real(source, target, **options)

    monkeypatch.setattr("webchat.database.gathering.os.link", link)
    second = backup.write_backup(own_folder())
    assert inode(second, "b") == full
    assert inode(second, "d") == inode(second, "e") != full
    assert inode(second, "c") == inode(first, "c")
    assert not packing.notes_of(second).links_refused


def test_what_the_disk_has_changed_is_replaced_under_all_its_names(data, monkeypatch):
    for name in ("0", "d"):
        forward(data, name, "b")
    first = backup.write_backup(own_folder())
    (first / "attachments/d").write_bytes(content("D"))
    monkeypatch.setattr(gathering, "_is_due", lambda name: name == "b")
    second = backup.write_backup(own_folder())
    assert sorted(packing.notes_of(second).rotted) == ["0", "b", "d"]
    assert [(second / "attachments" / each).read_bytes() for each in "0bd"] == [content("b")] * 3
    assert inode(second, "0") == inode(second, "b") == inode(second, "d") != inode(first, "b")


def test_a_file_that_is_due_under_several_names_is_read_once(data, monkeypatch):
    for name in ("d", "e"):
        forward(data, name, "b")
    first = backup.write_backup(own_folder())
    monkeypatch.setattr(gathering, "_is_due", lambda name: name in "bde")
    read = []
    real = gathering.Gathering._digest_of
    monkeypatch.setattr(
        gathering.Gathering, "_digest_of", lambda self, path: read.append(path) or real(self, path)
    )
    backup.write_backup(own_folder())
    assert len(read) == 1
    assert read[0].parent == first / "attachments"


def test_in_one_file_each_name_is_a_file_of_its_own(data):
    forward(data, "d", "b")
    path = backup.write_backup(own_folder(), in_one_file=True)
    with tarfile.open(path) as tar:
        assert {member.name for member in tar if member.isreg()} == set(tar.getnames())
        assert tar.extractfile("attachments/b").read() == content("b")
        assert tar.extractfile("attachments/d").read() == content("b")
    assert packing.bytes_there() == sum(len(content(each)) for each in "abcb")


def test_a_few_small_files_stay_in_one_file(data, monkeypatch):
    monkeypatch.setattr(packing, "ONE_FILE_BYTES", 10_000)
    path = backup.write_backup(own_folder())
    assert path.name.endswith("Z.tar.gz")
    assert path.stat().st_mode & 0o777 == 0o600
    assert packing.notes_of(path) == packing.Notes()


def test_many_files_fit_into_one_file_if_that_is_asked_for(data):
    backup.write_backup(own_folder())
    path = backup.write_backup(own_folder(), in_one_file=True)
    with tarfile.open(path) as tar:
        inside = {member.name for member in tar if member.isfile()}
    assert inside == {"manifest.json", "db.sqlite3", *(f"attachments/{each}" for each in "abc")}


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.ENOTSUP])
def test_where_the_disk_refuses_links_all_is_copied_and_said(data, monkeypatch, number, capsys):
    backup.write_backup(own_folder())
    assert not packing.notes_of(backup.backups_in(own_folder())[0]).links_refused

    def refuse(*_args, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("webchat.database.gathering.os.link", refuse)
    second = backup.write_backup(own_folder())
    assert names(second) == {"a", "b", "c"}
    assert (second / "attachments/a").stat().st_nlink == 1
    assert packing.notes_of(second).links_refused


def test_the_room_for_all_is_asked_for_where_the_disk_refuses_links(data, monkeypatch):
    backup.write_backup(own_folder())
    files = sum(len(content(each)) for each in "abc")
    with scratch.scratch(own_folder(), ".backup-") as own:
        shared = backup.bytes_to_write(backup._shared_in(own_folder(), own))
        monkeypatch.setattr(scratch, "takes_links", lambda own: False)
        assert backup.bytes_to_write(backup._shared_in(own_folder(), own)) == shared + files


@pytest.mark.parametrize("is_beside", [True, False])
def test_a_backup_beside_the_data_leaves_room_for_messages(
    data, settings, monkeypatch, tmp_path, is_beside
):
    large = data / "attachments/large"
    large.touch()
    os.truncate(large, folders.LOW_DISK_BYTES)
    needed = backup.bytes_to_write(None)
    free = needed + folders.LOW_DISK_BYTES * is_beside - 1
    usage = shutil.disk_usage(data)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda path: usage._replace(free=free))
    if not is_beside:
        settings.DATA_DIR, settings.DATABASE_FILE = Path("/proc"), Path("/proc/db.sqlite3")
    with pytest.raises(archive.NoRoomError):
        backup._check_room(tmp_path, needed)
    free += 1
    backup._check_room(tmp_path, needed)


def test_a_small_backup_leaves_as_much_as_it_takes(data, monkeypatch, tmp_path):
    usage = shutil.disk_usage(data)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda path: usage._replace(free=2000))
    backup._check_room(tmp_path, 1000)
    with pytest.raises(archive.NoRoomError):
        backup._check_room(tmp_path, 1001)


def test_old_ones_go_first_where_the_new_one_would_leave_no_room(data, monkeypatch):
    for _number in range(2):
        path = backup.write_backup(own_folder())
    usage = shutil.disk_usage(data)
    free = 3 * data.joinpath("db.sqlite3").stat().st_size
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda path: usage._replace(free=free))
    assert len(backup.make_room(own_folder(), 2)) == 1
    assert backup.backups_in(own_folder()) == [path]


def test_a_file_that_is_recalled_while_it_is_copied_is_named_by_no_database(data, monkeypatch):
    """It is sent after the first look at the folder, and recalled after the database's moment."""
    real, done = gathering.Gathering._copy, []

    def copy(self, name):
        if name == "c" and not done:
            done.append(name)
            send(data, "late")
        elif name == "late" and len(done) == 1:
            done.append(name)
            send(data, "later")
            recall(data, "late")
        return real(self, name)

    monkeypatch.setattr(gathering.Gathering, "_copy", copy)
    path = backup.write_backup(own_folder())
    assert done == ["c", "late"]
    assert set(named(path)) == names(path) == {"a", "b", "c", "later"}


def test_what_is_recalled_after_it_was_copied_stays_only_with_its_message(data, monkeypatch):
    real = gathering.Gathering._take
    rounds = []

    def take(self, files):
        found = real(self, files)
        rounds.append(files)
        recall(data, "a" if len(rounds) == 1 else "b")
        return found

    monkeypatch.setattr(gathering.Gathering, "_take", take)
    path = backup.write_backup(own_folder())
    assert set(named(path)) == names(path) == {"b", "c"}


def test_a_lost_file_ends_no_backup_and_is_told(data):
    (data / "attachments/b").unlink()
    path = backup.write_backup(own_folder())
    assert names(path) == {"a", "c"}
    assert packing.notes_of(path).lost == ["b"]
    [words] = backup_doubts.doubts(path)
    assert "（b）" in words
    finding = doctor.check_backup_files()
    assert (finding.level, words in finding.message) == (Level.ADVICE, True)


def test_a_lost_file_is_taken_from_the_backup_before(data):
    backup.write_backup(own_folder())
    (data / "attachments/b").unlink()
    path = backup.write_backup(own_folder())
    assert (path / "attachments/b").read_bytes() == content("b")
    assert packing.notes_of(path).lost == []


def test_what_the_disk_of_the_backups_has_changed_is_found_and_copied_again(data, monkeypatch):
    first = backup.write_backup(own_folder())
    (first / "attachments/a").write_bytes(content("A"))
    monkeypatch.setattr(gathering, "_is_due", lambda name: name == "a")
    second = backup.write_backup(own_folder())
    assert (second / "attachments/a").read_bytes() == content("a")
    assert packing.notes_of(second).rotted == ["a"]
    assert len(backup_doubts.rotted_in(second)) == 1
    assert doctor.check_backup_files().level == Level.WRONG
    assert inode(second, "b") == inode(first, "b")


def test_a_changed_copy_of_a_file_that_the_server_has_lost_is_told_as_lost_alone(data, monkeypatch):
    first = backup.write_backup(own_folder())
    (first / "attachments/a").write_bytes(content("A"))
    (data / "attachments/a").unlink()
    monkeypatch.setattr(gathering, "_is_due", lambda name: name == "a")
    notes = packing.notes_of(backup.write_backup(own_folder()))
    assert (notes.lost, notes.rotted) == (["a"], [])


def test_each_file_is_read_again_once_in_so_many_days(monkeypatch):
    monkeypatch.undo()
    now = timezone.now()
    days = []
    for day in range(gathering.READ_AGAIN_IN):
        monkeypatch.setattr(timezone, "now", lambda day=day: now + timedelta(days=day))
        days += [name for name in map(str, range(100)) if gathering._is_due(name)]
    assert sorted(days) == sorted(map(str, range(100)))


def test_a_file_that_is_not_as_it_was_sent_is_told_each_time(data):
    (data / "attachments/a").write_bytes(content("A"))
    for _time in range(2):
        path = backup.write_backup(own_folder())
        assert packing.notes_of(path).damaged == ["a"]
    (data / "attachments/a").write_bytes(content("a"))
    assert packing.notes_of(backup.write_backup(own_folder())).damaged == []


def test_a_planted_link_is_never_given_a_second_name(data, tmp_path):
    first = backup.write_backup(own_folder())
    secret = tmp_path / "secret"
    secret.write_bytes(content("a"))
    (first / "attachments/a").unlink()
    (first / "attachments/a").symlink_to(secret)
    second = backup.write_backup(own_folder())
    assert not (second / "attachments/a").is_symlink()
    assert inode(second, "a") != secret.stat().st_ino


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give it to others")
def test_a_backup_that_another_user_has_put_there_is_not_shared(data, monkeypatch):
    first = backup.write_backup(own_folder())
    assert generations.shared_of(first) is not None
    monkeypatch.setattr(generations.os, "geteuid", lambda: 64101)
    os.chown(first, 64102, -1)
    assert generations.shared_of(first) is None


def test_a_damaged_backup_before_is_in_nobodys_way(data):
    first = backup.write_backup(own_folder())
    (first / "manifest.json").write_text("{")
    assert names(backup.write_backup(own_folder())) == {"a", "b", "c"}


def test_a_folder_with_something_else_in_it_is_somebodys(data):
    first = backup.write_backup(own_folder())
    (first / "notes.txt").touch()
    assert backup.backups_in(own_folder()) == []
    (own_folder() / "webchat-20260101-030000Z").mkdir()
    (own_folder() / "webchat-20260102-030000Z").symlink_to(first)
    assert backup.backups_in(own_folder()) == []


LEFT = (".DS_Store", "._manifest.json", "Thumbs.db", "desktop.ini", "attachments/._a")


def test_what_desktops_leave_in_a_folder_makes_it_no_less_a_backup(data):
    first = backup.write_backup(own_folder())
    for name in LEFT:
        (first / name).touch()
    assert backup.backups_in(own_folder()) == [first]
    second = backup.write_backup(own_folder())
    assert inode(first, "a") == inode(second, "a")
    assert names(second) == {"a", "b", "c"}
    backup.keep_newest(own_folder(), 1, written=second)
    assert list(own_folder().iterdir()) == [second]


def test_a_backup_is_whole_where_a_desktop_has_left_something_among_the_files(data, tmp_path):
    (data / "attachments/Thumbs.db").write_bytes(b"small pictures")
    made = backup.write_backup(own_folder())
    target = tmp_path / "restored"
    target.mkdir()
    generations.unpack(made, target)
    assert set(os.listdir(target / "attachments")) >= {"a", "b", "c"}


def test_a_deletion_that_is_killed_leaves_nothing_that_looks_whole(data, monkeypatch):
    first = backup.write_backup(own_folder())
    for name in LEFT:
        (first / name).touch()

    def kill(path, **_options):
        os.unlink(next(path.rglob("attachments/a")))
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", kill)
    with pytest.raises(KeyboardInterrupt):
        backup.keep_newest(own_folder(), 1, written=own_folder() / "another")
    monkeypatch.undo()
    assert backup.backups_in(own_folder()) == []
    assert first.name in str(next(own_folder().rglob("manifest.json")))
    assert len(scratch.clear(own_folder())) == 1
    assert list(own_folder().iterdir()) == []


KILLED = """
import json, os, signal
from webchat.database import backup, gathering, generations, packing

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

packing.ONE_FILE_BYTES = 0
{place} = die
backup.write_backup(backup.own_folder())
"""


@pytest.mark.parametrize("place", ["json.dumps", "generations.sync_folder", "os.rename"])
def test_a_backup_that_is_killed_before_its_rename_is_none_and_goes_with_the_next(data, place):
    first = backup.write_backup(own_folder())
    send(data, "d")
    killed = manage(data, "shell", "--verbosity", "0", "-c", KILLED.format(place=place))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    [left] = set(own_folder().iterdir()) - {first}
    [begun] = left.rglob("manifest.json")
    assert (begun.stat().st_size > 0) == (place != "json.dumps")
    assert backup.backups_in(own_folder()) == [first]
    assert doctor.check_backup_files().level == Level.OK
    second = backup.write_backup(own_folder())
    assert set(own_folder().iterdir()) == {first, second}
    assert names(second) == {"a", "b", "c", "d"}
    assert inode(first, "a") == inode(second, "a")
    assert (first / "attachments/a").read_bytes() == content("a")


def test_a_restored_database_names_no_preview_that_is_not_there(tmp_path):
    database = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE chat_attachment (id, file, preview)")
        for row in ((1, "a", "a.webp"), (2, "b", "b.webp"), (3, "c", "")):
            connection.execute("INSERT INTO chat_attachment VALUES (?, ?, ?)", row)
    copies.forget_previews(database, {"b.webp"})
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT file, preview FROM chat_attachment").fetchall()
    assert dict(rows) == {"a": "", "b": "b.webp", "c": ""}


# Reading


@pytest.fixture
def there(data, monkeypatch, tmp_path):
    """A backup, and an empty folder to unpack it into."""
    path = backup.write_backup(own_folder())
    monkeypatch.setattr(archive.MigrationLoader, "__init__", lambda self, connection: None)
    monkeypatch.setattr(archive.MigrationLoader, "disk_migrations", {}, raising=False)
    (tmp_path / "new").mkdir()
    return path, tmp_path / "new"


def test_a_copy_of_the_folder_is_enough(there, data):
    path, target = there
    copy = shutil.copytree(path, target.parent / "elsewhere/any name")
    shutil.rmtree(data)
    steps = []
    generations.unpack(copy, target, steps.append)
    assert sum(steps) == backup.bytes_of([copy])
    assert names(target) == {"a", "b", "c"}
    with closing(sqlite3.connect(target / "db.sqlite3")) as database:
        assert len(database.execute("SELECT file FROM chat_attachment").fetchall()) == 3


def test_what_desktops_have_left_in_it_is_not_unpacked(there):
    path, target = there
    for name in LEFT:
        (path / name).touch()
    generations.unpack(path, target)
    assert names(target) == {"a", "b", "c"}
    assert {each.name for each in target.iterdir()} == {"attachments", "db.sqlite3"}


@pytest.mark.parametrize("name", ["more", "attachments/more"])
def test_what_does_not_belong_there_is_named(there, name):
    path, target = there
    (path / name).touch()
    with pytest.raises(archive.UnusableError, match=f"'{name}'"):
        generations.unpack(path, target)


def test_files_are_not_copied_a_second_time_where_the_disk_is_the_same(there):
    path, target = there
    generations.unpack(path, target)
    assert [inode(target, each) for each in "abc"] == [inode(path, each) for each in "abc"]


@pytest.mark.parametrize("how", ["in one file", "links lost", "here"])
def test_a_forwarded_file_takes_its_room_once_after_a_restore(there, data, how, monkeypatch):
    _path, target = there
    forward(data, "d", "b")
    path = backup.write_backup(own_folder(), in_one_file=how == "in one file")
    rooms = []
    for module in (archive, generations):
        monkeypatch.setattr(module, "check_room", lambda total, _folder: rooms.append(total))
    if how == "in one file":
        archive.unpack(path, target)
    elif how == "here":
        generations.unpack(path, target)
    else:
        copy = shutil.copytree(path, target.parent / "elsewhere")  # which makes copies of links
        monkeypatch.setattr(generations.os, "geteuid", lambda: 64101)
        assert inode(copy, "b") != inode(copy, "d")
        generations.unpack(copy, target)
    assert inode(target, "d") == inode(target, "b") != inode(target, "a")
    assert (target / "attachments/d").read_bytes() == content("b")
    size = (target / "db.sqlite3").stat().st_size
    files = sum(len(content(each)) for each in "abc")
    assert rooms == [size + files if how == "in one file" else size]


def test_each_file_of_a_backup_is_read_once_and_a_damaged_copy_is_refused(there, data):
    _path, target = there
    forward(data, "d", "b")
    path = backup.write_backup(own_folder())
    steps = []
    generations.unpack(path, target, steps.append)
    assert sum(steps) == backup.bytes_of([path])
    copy = shutil.copytree(path, target.parent / "elsewhere")
    (copy / "attachments/d").write_bytes(content("D"))
    (target.parent / "another").mkdir()
    with pytest.raises(archive.UnusableError):
        generations.unpack(copy, target.parent / "another")


def test_where_links_are_refused_a_restored_file_is_copied_under_each_name(
    there, data, monkeypatch
):
    _path, target = there
    forward(data, "d", "b")
    path = backup.write_backup(own_folder(), in_one_file=True)

    def refuse(*_args, **_options):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("webchat.database.archive.os.link", refuse)
    archive.unpack(path, target)
    assert [(target / "attachments" / each).read_bytes() for each in "bd"] == [content("b")] * 2


def test_files_are_copied_where_links_are_refused(there, monkeypatch):
    path, target = there

    def refuse(*_args, **_options):
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr("webchat.database.generations.os.link", refuse)
    generations.unpack(path, target)
    assert (target / "attachments/b").read_bytes() == content("b")
    assert inode(target, "b") != inode(path, "b")


def changed(name: str, text: bytes):
    def change(path: Path) -> None:
        (path / name).unlink()
        (path / name).write_bytes(text)

    return change


def in_manifest(**changes):
    def change(path: Path) -> None:
        (path / "manifest.json").write_text(json.dumps(manifest(path) | changes))

    return change


def linked(path: Path) -> None:
    (path / "attachments/a").rename(path.parent / "a")
    (path / "attachments/a").symlink_to(path.parent / "a")


def piped(path: Path) -> None:
    (path / "attachments/a").unlink()
    os.mkfifo(path / "attachments/a")


def moved(path: Path) -> None:
    (path / "attachments").rename(path.parent / "moved")
    (path / "attachments").symlink_to(path.parent / "moved")


@pytest.mark.parametrize(
    "change",
    [
        lambda path: (path / "attachments/a").unlink(),
        lambda path: (path / "attachments/more").touch(),
        lambda path: (path / "more").touch(),
        lambda path: (path / "db.sqlite3.gz").unlink(),
        lambda path: shutil.rmtree(path / "attachments"),
        linked, piped, moved,
        changed("attachments/a", content("A")),
        changed("attachments/a", b""),
        changed("db.sqlite3.gz", b""),
        changed("db.sqlite3.gz", b"no gzip"),
        changed("db.sqlite3.gz", gzip.compress(bytes(50_000_000))),
        changed("db.sqlite3.gz", gzip.compress(b"short")),
        changed("manifest.json", b""),
        changed("manifest.json", b"[" * 200_000),
        changed("manifest.json", b"\xff\xfe"),
        in_manifest(application="another"),
        in_manifest(format=99),
        in_manifest(files={}),
        in_manifest(files=None),
        in_manifest(files={"../evil": {"bytes": 1, "sha256": "0" * 64}}),
        in_manifest(files={"db.sqlite3": {"bytes": 7}}),
    ],
)  # fmt: skip
def test_what_is_not_as_its_manifest_says_is_refused(there, change):
    path, target = there
    change(path)
    with pytest.raises((archive.UnusableError, FileNotFoundError)):
        generations.unpack(path, target)
