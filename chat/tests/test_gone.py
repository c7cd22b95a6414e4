"""Deletions are counted, and traces of deleted data in the files are found."""

from __future__ import annotations

import gzip
import os
import re
import sqlite3
import time
import zipfile
from contextlib import closing
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone, translation

from accounts import remains
from accounts.models import User
from accounts.services import delete_account, rename
from chat import gone
from chat.access import get_message
from chat.models import Upload
from chat.models.files import attachments_folder, parts_folder
from chat.pruning import delete_messages
from chat.services import hide_message, mark_read, recall
from chat.tests.media.cast import ready
from friends import services as friends
from friends.models import Friendship
from tests.cast import make_user, say
from webchat import backup_places, nightly
from webchat.database import backup, copies, wal
from webchat.database.pages import dead_parts


@pytest.fixture
def counted(alice, bob):
    """A function that counts the deletions since its last call."""
    before = [gone.count()]

    def ask() -> int:
        before.append(gone.count())
        return before[-1] - before[-2]

    return ask


def test_whatever_takes_words_or_a_person_away_is_counted(alice, bob, carol, mallory, counted):
    first, second = say(alice, bob, "1"), say(alice, bob, "2")
    thread, message = get_message(alice, first.id)
    assert counted() == 0
    for take_away in (
        lambda: recall(thread=thread, message=message),
        lambda: delete_messages([second.id]),
        lambda: friends.set_remark(friendship=alice.friendships.get(), remark="x"),
        lambda: friends.decline(request=alice.requests_received.get()),
        lambda: rename(user=mallory, username="mallory2"),
        lambda: friends.remove(friendship=alice.friendships.get()),
        lambda: User.objects.filter(pk=mallory.pk).delete(),
        lambda: delete_account(user=bob),
    ):
        take_away()
        assert counted() > 0


def test_who_only_writes_and_reads_counts_for_nothing(alice, bob, counted):
    for number in range(3):
        message = say(bob, alice, f"{number}")
    thread, found = get_message(alice, message.id)
    mark_read(thread=thread, up_to=message.id)
    hide_message(thread=thread, message=found)
    assert counted() == 0


def test_every_migration_takes_the_triggers_away_and_puts_them_back(db):
    def triggers() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
            return [name for (name,) in cursor.fetchall()]

    before = triggers()
    assert {"gone_chat_message_changed", "gone_accounts_user_deleted"} <= set(before)
    gone.drop_triggers()
    assert not any(name.startswith(gone.PREFIX) for name in triggers())
    gone.make_triggers()
    gone.make_triggers()
    assert triggers() == before


@pytest.mark.django_db(transaction=True)
def test_the_log_is_cut_once_for_what_went_and_not_while_somebody_reads(alice, bob):
    log = wal.log_of(connection.settings_dict["NAME"])
    sweeper = gone.Sweeper()
    assert sweeper.sweep()
    assert log.stat().st_size == 0
    say(alice, bob, "1")
    assert sweeper.sweep()
    assert log.stat().st_size > 0, "nothing has gone"
    Friendship.objects.all().delete()
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM chat_message").fetchall()
        Friendship.objects.all().delete()
        say_more = make_user("dora")
        assert not sweeper.sweep()
        say_more.delete()
    assert sweeper.sweep()
    assert log.stat().st_size == 0


# The proof


def verify(username: str, *texts: str, language: str = "en") -> str:
    out, err = StringIO(), StringIO()
    words = [word for text in texts for word in ("--text", text)]
    try:
        with translation.override(language):
            call_command("verify_deletion", username, *words, stdout=out, stderr=err)
    except CommandError:
        return err.getvalue()
    return out.getvalue()


@pytest.fixture
def raw(transactional_db):
    """The database, opened by somebody who does not overwrite deleted data."""
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None, timeout=10)) as raw:
        raw.execute("PRAGMA secure_delete=OFF")
        yield raw
        raw.execute("VACUUM")  # what it left would be found by tests that come later


@pytest.mark.parametrize(
    "written", ["bobby_was_here", '["bobby_was_here"]', "\\u0062obby_was_here", "x" * 9000]
)
def test_what_was_deleted_and_not_overwritten_is_found(raw, written):
    written = f"{written} bobby_was_here" if "x" in written else written
    insert = "INSERT INTO chat_announcement (text, edition, created_at, changed_at)"
    for text in (written, "y" * 50):
        raw.execute(f"{insert} VALUES (?, 0, '2026-01-01', '2026-01-01')", [text])
    assert "Nothing else is left" in verify("bobby_was_here")
    raw.execute("DELETE FROM chat_announcement WHERE text NOT LIKE 'y%'")
    assert "bytes of no row" in verify("bobby_was_here")


def test_what_the_server_deletes_leaves_no_byte(alice, bob, transactional_db):
    words = ["geheim eins", "geheim 🙂 zwei"]
    for text in words:
        say(alice, bob, text * 200)
    delete_account(user=bob)
    printed = verify("bob", *words)
    assert "Nothing else is left" in printed
    assert re.search(r"^Files: (\d+)/\1$", printed, re.MULTILINE), "it shows how far it is"
    database = connection.settings_dict["NAME"]
    connection.close()
    steps = []
    parts = list(dead_parts(Path(database), steps.append))
    assert not any(word.encode() in part for part in parts for word in words)
    assert sum(steps) == Path(database).stat().st_size


def test_a_text_that_stands_anywhere_is_found(alice, bob, transactional_db):
    say(alice, bob, "noch da")
    assert "one of the texts" in verify("nobody_else", "noch da")
    (settings.DATA_DIR / "notes.txt").write_text("ganz woanders")
    try:
        assert "LEFT: notes.txt: one of the texts" in verify("nobody_else", "ganz woanders")
    finally:
        (settings.DATA_DIR / "notes.txt").unlink()


def test_files_of_nobody_and_forgotten_copies_are_left_and_backups_are_kept(transactional_db):
    attachments_folder().mkdir(exist_ok=True)
    orphan = attachments_folder() / "of-nobody.png"
    copy = settings.DATA_DIR / ".backup-x" / "db.sqlite3"
    backup = settings.DATA_DIR / "backups" / "webchat-20260101-030000.tar.gz"
    for path in (orphan, copy, backup):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    os.utime(orphan, (time.time() - 90,) * 2)
    try:
        left = verify("nobody_else")
        assert "LEFT: attachments/of-nobody.png: the file of no message" in left
        assert "LEFT: .backup-x/db.sqlite3: a copy" in left
        for path in (orphan, copy):
            path.unlink()
        assert "kept for good: backups/webchat-20260101-030000.tar.gz" in verify("nobody_else")
    finally:
        backup.unlink()
        copy.parent.rmdir()


@pytest.mark.parametrize(
    ("folder", "what"), [("previews", "file of no message"), ("uploads", "part of no file")]
)
def test_previews_and_parts_of_nobody_are_left(transactional_db, folder, what):
    stray = settings.DATA_DIR / folder / "stray"
    stray.parent.mkdir(exist_ok=True)
    stray.touch()
    os.utime(stray, (time.time() - 90,) * 2)
    try:
        assert f"LEFT: {folder}/stray: the {what}" in verify("nobody_else")
    finally:
        stray.unlink()


def test_files_on_their_way_may_name_anybody(alice, transactional_db):
    """In the bytes of a picture a short name stands by chance."""
    upload, other = ready(alice, b"\0 nobody_else \0"), ready(alice)
    upload.preview_path.write_bytes(b"\0 nobody_else \0")
    Upload.objects.filter(pk=other.pk).update(state=Upload.State.PROCESSING)
    parts_folder().mkdir(exist_ok=True)
    other.part_path.write_bytes(b"\0 nobody_else \0")
    try:
        assert "LEFT" not in verify("nobody_else")
    finally:
        for path in (upload.path, upload.preview_path, other.path, other.part_path):
            path.unlink()


@pytest.fixture
def data_file():
    """Write files into DATA_DIR, which go again."""
    written = []

    def write(name: str, content: bytes) -> Path:
        path = settings.DATA_DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
        return path

    yield write
    for path in written:
        path.unlink(missing_ok=True)
        if path.parent not in (settings.DATA_DIR, backup.own_folder(), attachments_folder()):
            path.parent.rmdir()


def zipped(*names: str) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("backups/.backup-a1/db.sqlite3", b""),
        ("backups/.backup-a1/webchat-20260101-030000.tar.gz", b"half"),
        (".restore-a1/ours-db.sqlite3", b""),
        ("db.sqlite3-journal", b""),
        ("backups/notes.txt", b"geheim eins"),
        ("export/eva.lang.zip", zipped("index.html")),
        ("export/bob.zip", zipped("index.html", "eva.lang.html")),
        ("users.csv", "用户名\r\nEVA.LANG\r\n".encode()),
        ("slips.html", b"<td>eva.lang</td>"),
        ("long.txt", b"x" * (remains.CHUNK - 3) + b" eva.lang"),
    ],
)
def test_files_that_name_the_account_or_are_copies_are_left(
    transactional_db, data_file, name, content
):
    assert "Nothing else is left" in verify("eva.lang", "geheim eins")
    data_file(name, content)
    told = verify("eva.lang", "geheim eins")
    assert f"LEFT: {name}: " in told
    assert f"残留：{name}：" in verify("eva.lang", "geheim eins", language="zh-hans")


@pytest.mark.parametrize(
    ("name", "content"),
    [("users.csv", b"eva.langer\r\nmeva.lang"), ("export/eva.lang2.zip", zipped("index.html")),
     ("attachments/a.bin", b"eva.lang"), ("attachments/a.gz", b"no gzip"), ("nightly.json", b"{}")],
)  # fmt: skip
def test_files_of_others_are_not(transactional_db, data_file, name, content):
    path = data_file(name, content)
    make_user("eva.langer")
    os.utime(path, (time.time(),) * 2)
    assert "Nothing else is left" in verify("eva.lang")
    assert "Nothing else is left" in verify("eva.lang", "geheim eins")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"row eva.langeva.lang", mtime=0), "the name is in it"),
        (gzip.compress(b"eva" * 99, mtime=0), "the name is not in it"),
        (gzip.compress(b"x" * (remains.CHUNK - 4) + b"eva.lang", mtime=0), "the name is in it"),
        (gzip.compress(b"eva.lang, geheim eins", mtime=0), "one of the texts is in it"),
        (gzip.compress(b"eva.lang" * 9999, mtime=0)[:-40], "it cannot be read"),
        (b"no gzip", "it cannot be read"),
        (b"", "the name is not in it"),
    ],
)
def test_of_each_backup_it_is_said_whether_it_names_them(
    transactional_db, data_file, content, words
):
    data_file("backups/webchat-20260101-030000.tar.gz", content)
    told = verify("EVA.lang", "geheim eins")
    assert f"kept for good: backups/webchat-20260101-030000.tar.gz: a backup; {words}" in told
    assert "Nothing else is left" in told


def test_so_it_is_of_what_was_there_before_a_restore(transactional_db, data_file):
    data_file("before-restore-20260101-030000/db.sqlite3", b"\x00eva.langeva.lang\x00")
    assert "before-restore-20260101-030000: what was there before a restore; the name is in it" in (
        verify("eva.lang")
    )
    assert "the name is not in it" in verify("otto")


@pytest.mark.parametrize("name", ["", "x" * 9999])
def test_what_is_no_name_is_refused(db, name):
    with pytest.raises(CommandError, match="没有|不可能"):
        call_command("verify_deletion", name)


@pytest.fixture
def night():
    """A function that records a nightly run, which goes again."""
    yield lambda **facts: nightly.record(nightly.Nightly(timezone.now(), **facts))
    (settings.DATA_DIR / nightly.FILE_NAME).unlink(missing_ok=True)


def test_backups_on_another_disk_are_named_or_said_to_be_out_of_reach(
    transactional_db, night, tmp_path
):
    usb = tmp_path / "usb"
    usb.mkdir()
    copy = usb / "webchat-20260101-030000Z.tar.gz"
    with gzip.open(copy, "wb") as file:
        file.write(b"x eva.lang y")
    night(to=str(usb))
    told = verify("eva.lang")
    assert f"kept for good: {copy}: a backup; the name is in it" in told
    assert "Nothing else is left" in told
    usb.rename(tmp_path / "unplugged")
    told = verify("eva.lang")
    assert f"kept for good: {usb}: backups" in told
    assert "not reachable" in told


@pytest.fixture
def usb(tmp_path):
    """A stick on which the program has written a backup; it is forgotten afterwards."""
    folder = tmp_path / "usb"
    folder.mkdir()
    yield folder
    (settings.DATA_DIR / backup_places.FILE_NAME).unlink(missing_ok=True)


@pytest.mark.parametrize("option", [[], ["--to"]])
def test_every_place_of_a_backup_is_remembered(transactional_db, night, usb, option, monkeypatch):
    monkeypatch.setattr(settings, "DATABASE_FILE", Path(connection.settings_dict["NAME"]))
    call_command("backup", *option, str(usb), stdout=StringIO(), stderr=StringIO())
    night()  # by hand, without --to
    [copy] = usb.iterdir()
    assert f"kept for good: {copy}: a backup" in verify("eva.lang")
    usb.rename(usb.with_name("unplugged"))
    told = verify("eva.lang")
    assert f"kept for good: {usb}: backups may be there" in told
    usb.mkdir()  # as the folder below a disk that is not mounted
    assert f"kept for good: {usb}: a backup was written there" in verify("eva.lang")


def test_what_a_killed_backup_left_on_a_stick_is_found(transactional_db, usb):
    backup_places.note_place(usb, is_complete=False)
    work = usb / ".backup-k3u9x_2a"
    work.mkdir()
    (work / "db.sqlite3").write_bytes(b"x")
    (usb / ".backup-photos").mkdir()
    (usb / ".backup-photos/db.sqlite3").write_bytes(b"theirs")
    told = verify("eva.lang")
    assert f"LEFT: {work}/db.sqlite3: a copy" in told
    assert "photos" not in told


def test_beside_a_database_that_is_elsewhere_is_looked_as_well(
    transactional_db, tmp_path, monkeypatch
):
    """Where a restore that was killed has left everything in plain text."""
    beside = tmp_path / "elsewhere"
    (beside / ".restore-k3u9x_2a").mkdir(parents=True)
    (beside / ".restore-k3u9x_2a/db.sqlite3").write_bytes(b"x")
    database = beside / "db.sqlite3"
    connection.ensure_connection()
    copies.copy(Path(connection.settings_dict["NAME"]), database)
    with closing(sqlite3.connect(database)) as raw, raw:
        raw.execute("CREATE TABLE zettel AS SELECT 'noch da'")
    monkeypatch.setattr("accounts.remains.own_file", lambda: database)
    told = verify("eva.lang", "noch da")
    assert f"LEFT: {beside}/.restore-k3u9x_2a/db.sqlite3: a copy" in told
    assert f"LEFT: {database}: one of the texts" in told


@pytest.mark.parametrize("name", ["failures", "backup", "mailed_at"])
def test_the_words_of_a_record_of_ours_name_nobody(transactional_db, night, name):
    night(failures={"backup": "x"})
    assert "Nothing else is left" in verify(name)
