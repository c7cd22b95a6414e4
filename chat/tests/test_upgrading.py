"""From the release before: its data migrate, and while a reload lasts it serves on our schema."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from accounts.models import User
from chat import left_behind
from chat.models import Attachment, Evidence, Message, Upload, UsedQuota
from tests.cast import Api, say
from webchat.tests.test_keeping import manage

from .media.cast import ready, send

BEFORE = ("chat", "0017_event_of_user")
MESSAGES = 2000
PICTURE, TEXT = b"\xff\xd8\xff" + bytes(997), b"x" * 77
# As the release before writes them.
PERSON = """INSERT INTO accounts_user (id, password, is_superuser, username, username_key, email,
    is_staff, is_active, date_joined, must_change_password, counts_in_title, plays_sound,
    shows_online, text_size, theme, pinyin)
    VALUES (?, '!', 0, ?, ?, '', 0, 1, '2026-01-01', 0, 1, 1, 1, 'm', 'auto', '')"""
MESSAGE = """INSERT INTO chat_message (conversation_id, sender_id, text, client_id, digest, sent_at)
    VALUES (1, 1, ?, ?, x'00', '2026-01-01')"""
FILE = """INSERT INTO chat_attachment (file, name, mimetype, conversation_id, message_id)
    VALUES (?, ?, ?, 1, ?)"""


def fill(data: Path) -> None:
    """Put two people there, their messages, and three imported files, of which one is lost."""
    (data / "attachments").mkdir()
    (data / "attachments/a.jpg").write_bytes(PICTURE)
    (data / "attachments/b.txt").write_bytes(TEXT)
    files = [("a.jpg", "image/jpeg"), ("b.txt", "text/plain"), ("lost.png", "image/png")]
    with closing(sqlite3.connect(data / "db.sqlite3")) as database, database:
        database.executemany(PERSON, [(1, "anna", "anna"), (2, "ben", "ben")])
        database.execute("INSERT INTO chat_conversation (id, low_id, high_id) VALUES (1, 1, 2)")
        rows = [("" if n < len(files) else f"{n}", uuid4().hex) for n in range(MESSAGES)]
        database.executemany(MESSAGE, rows)
        database.executemany(
            FILE, [(file, file, kind, pk) for pk, (file, kind) in enumerate(files, 1)]
        )


def test_a_filled_database_migrates_while_others_write(tmp_path):
    for app, name in (BEFORE, ("accounts", None), ("friends", None), ("sessions", None)):
        words = [word for word in ("migrate", app, name, "--verbosity", "0") if word]
        assert manage(tmp_path, *words).returncode == 0
    fill(tmp_path)
    written, done = [], threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(tmp_path / "db.sqlite3", timeout=30)) as database:
            while not done.wait(0.01):
                with database:
                    database.execute(MESSAGE, ("meanwhile", key := uuid4().hex))
                written.append(key)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        migrated = manage(tmp_path, "migrate", "--verbosity", "0")
    finally:
        done.set()
        writer.join()
    assert migrated.returncode == 0, migrated.stderr
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
        found = database.execute("SELECT file, kind, size, sha256 FROM chat_attachment ORDER BY id")
        assert found.fetchall() == [
            ("a.jpg", "picture", len(PICTURE), ""),
            ("b.txt", "file", len(TEXT), ""),
            ("lost.png", "picture", None, ""),
        ]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        stored = {key for (key,) in database.execute("SELECT client_id FROM chat_message")}
    assert len(written) > 10
    assert set(written) < stored
    assert len(stored) == MESSAGES + len(written)


@pytest.fixture
def before(db):
    """The models of the release before."""
    loader = MigrationLoader(connection)
    others = [node for node in loader.graph.leaf_nodes() if node[0] != "chat"]
    return loader.project_state([*others, BEFORE]).apps


def test_the_release_before_sends_and_reads_files_on_this_schema(before, alice, bob):
    message = Message.objects.get(pk=say(alice, bob, "x").id)
    before.get_model("chat", "Attachment").objects.create(
        message_id=message.pk,
        conversation_id=message.conversation_id,
        file="b.txt",
        name="b.txt",
        mimetype="text/plain",
    )
    new = Attachment.objects.get()
    assert (new.kind, new.size, new.sha256, new.preview) == ("file", None, "", "")
    upload = ready(alice)
    assert send(alice, upload=upload.client_id).status_code == 201
    theirs = before.get_model("chat", "Attachment").objects
    assert [each.name for each in theirs.order_by("pk")] == ["b.txt", upload.name]


def test_the_release_before_deletes_an_account_that_has_what_it_does_not_know(before, alice, bob):
    ready(alice)
    UsedQuota.objects.create(owner=alice, bytes=5, at=timezone.now())
    upload = ready(bob)
    assert send(bob, "alice", upload=upload.client_id).status_code == 201
    message = Attachment.objects.get().message
    assert Api(alice).post(f"messages/{message.pk}/report/", reason="x").status_code == 201
    assert Evidence.objects.filter(sender=bob).exists()
    kept = ready(bob)
    old = before.get_model("accounts", "User").objects
    # Its own receivers see to the attachments first.
    before.get_model("chat", "Attachment").objects.all().delete()
    old.get(pk=alice.pk).delete()
    connection.check_constraints()
    assert [*Upload.objects.exclude(owner=bob), *UsedQuota.objects.all()] == []
    assert Upload.objects.filter(pk=kept.pk).exists()
    assert Evidence.objects.exists()
    old.get(pk=bob.pk).delete()
    connection.check_constraints()
    assert not Upload.objects.exists()
    assert not Evidence.objects.exists()


def test_no_table_of_people_that_the_release_before_does_not_know_refuses_a_deletion(before):
    known = {model._meta.db_table for model in before.get_models()}
    new = {
        model
        for model in apps.get_models()
        if model._meta.db_table not in known
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey) and field.related_model is User
    }
    assert new == set(left_behind.OWNERS)
