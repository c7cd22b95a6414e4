import gzip
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import remains, services, traces
from accounts.models import RetiredUsername, User
from accounts.traces import Name

pytestmark = pytest.mark.django_db


def verify(username):
    out, err = io.StringIO(), io.StringIO()
    with translation.override("en"):
        call_command("verify_deletion", username, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


def left(username):
    err = io.StringIO()
    with translation.override("en"), pytest.raises(CommandError):
        call_command("verify_deletion", username, stdout=io.StringIO(), stderr=err)
    return err.getvalue()


def session_with(**data):
    session = SessionStore()
    session.update(data)
    session.save()
    return session


@pytest.mark.parametrize("username", ["bob", "王伟", "ＢＯＢ", "a.b"])
def test_of_a_deleted_account_only_the_key_is_held_back(make_user, username):
    user = make_user(username)
    services.delete_account(user=user)
    assert "kept until 20" in verify(username)
    assert RetiredUsername.objects.count() == 1


def test_the_search_tells_of_every_row_that_it_reads(make_user):
    make_user("bob")
    steps = []
    assert list(traces.find_traces("bob", steps.append))
    assert sum(steps) == traces.count_rows() > 0


def test_a_name_that_has_an_account_is_no_deleted_one(bob):
    with pytest.raises(CommandError, match="has an account"):
        verify("BOB")


@pytest.mark.parametrize("text", ["bob", "BOB: hello", "von bob.", "für „ＢＯＢ“", "张三bob"])
def test_a_text_names_it_in_any_case_width_and_place(text):
    assert Name("bob").stands_in(text)


@pytest.mark.parametrize("text", ["bobby", "bob_smith", "x.bob-smith", "2bob", "b0b", ""])
def test_a_part_of_another_word_or_name_is_not_it(make_user, text):
    make_user("x.bob-smith")
    assert not Name("bob").stands_in(text)


def test_a_chinese_name_is_found_inside_a_sentence(make_user):
    make_user("王伟2024")
    assert Name("王伟").stands_in("已添加王伟为好友")
    assert not Name("王伟").stands_in("王伟2024")


def test_what_is_left_anywhere_is_found(bob, make_user):
    services.delete_account(user=bob)
    make_user("carol", email="bob@example.com")
    assert "accounts_user.email" in left("bob")
    User.objects.all().delete()
    session_with(_messages='[["x", 0, 25, "\\u738b\\u4f1f", ""]]')
    assert "django_session.session_data" in left("王伟")
    Session.objects.all().delete()
    verify("bob")


def test_a_session_of_nobody_is_left(bob):
    number = str(bob.pk)
    services.delete_account(user=bob)
    verify("bob")
    session_with(_auth_user_id=number)
    assert "session of an account that is gone" in left("bob")


def test_sessions_of_others_forget_who_goes_and_nothing_else(bob):
    session_with(_messages='[["x", 0, 25, "Asked bob", ""]]', theme="dark")
    session_with(registered="bob")
    session_with(_messages='[["x", 0, 25, "Asked carol", ""]]')
    session_with(_auth_user_id=str(bob.pk))
    services.delete_account(user=bob)
    kept = [session.get_decoded() for session in Session.objects.all()]
    assert sorted(map(len, kept)) == [0, 1, 1]
    assert {"theme": "dark"} in kept
    verify("bob")


@pytest.mark.parametrize("way", ["the page of the user", "the list"])
def test_the_admins_log_and_answer_know_the_deleted_by_number(root_client, bob, way):
    root_client.post(
        reverse("admin:auth_user_password_change", args=[bob.pk]),
        {"usable_password": "true", "password1": "blue-kettle-9", "password2": "blue-kettle-9"},
    )
    assert LogEntry.objects.filter(object_repr="bob").exists()
    if way == "the list":
        data = {"action": "delete_selected", "_selected_action": [bob.pk], "post": "yes"}
        root_client.post(reverse("admin:accounts_user_changelist"), data)
    else:
        root_client.post(reverse("admin:accounts_user_delete", args=[bob.pk]), {"post": "yes"})
    assert not User.objects.named("bob").exists()
    assert LogEntry.objects.count() == 2
    assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {f"user {bob.pk}"}
    verify("bob")


def test_bob_smith_and_what_names_him_stay(root_client, bob, make_user):
    smith = make_user("bob_smith")
    session_with(registered="bob_smith")
    Client().force_login(smith)
    services.delete_account(user=bob)
    verify("bob")
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert {"registered": "bob_smith"} in sessions
    assert smith.sessions.count() == 1


@pytest.fixture
def opened(monkeypatch):
    """List the names of the files that are read."""
    names, really_open = [], remains._open
    monkeypatch.setattr(remains, "_open", lambda path: names.append(path.name) or really_open(path))
    return names


def test_a_file_that_backups_share_is_read_once_and_told_of_each(settings, tmp_path, opened):
    settings.DATA_DIR = tmp_path
    for number in (1, 2):
        backup = tmp_path / f"backups/webchat-2026010{number}-030000Z"
        (backup / "attachments").mkdir(parents=True)
        (backup / "manifest.json").write_text("{}")
        (backup / "db.sqlite3.gz").write_bytes(gzip.compress(b"nothing"))
    (backup.parent / "webchat-20260101-030000Z/attachments/a").write_text("Herr bob schreibt")
    (backup / "attachments/a").hardlink_to(
        tmp_path / "backups/webchat-20260101-030000Z/attachments/a"
    )
    with translation.override("en"):
        told = [kept.what for kept in remains.list_copies("bob", ["schreibt"])]
    assert [what.partition(": ")[2] for what in told] == ["a backup; one of the texts is in it"] * 2
    assert opened.count("a") == 1
    assert opened.count("manifest.json") == 2


@pytest.mark.parametrize(
    ("database", "finding"),
    [(b"nothing", "the name is not in it"), (b"Herr bob", "the name is in it")],
)
def test_what_people_have_sent_names_nobody_in_a_backup_either(
    settings, tmp_path, opened, database, finding
):
    """In the bytes of a picture a short name stands by chance."""
    settings.DATA_DIR = tmp_path
    backup = tmp_path / "backups/webchat-20260101-030000Z"
    (backup / "attachments").mkdir(parents=True)
    (backup / "manifest.json").write_text("{}")
    (backup / "db.sqlite3.gz").write_bytes(gzip.compress(database))
    (backup / "attachments/a").write_bytes(b"\0bob\0")
    with translation.override("en"):
        assert [kept.what.partition("; ")[2] for kept in remains.list_copies("bob", [])] == [
            finding
        ]
    assert "a" not in opened, "without a text there is nothing to look for"


@pytest.mark.parametrize("text", ["schreibt", "no gzip"])
def test_a_file_that_somebody_has_called_gz_is_read_as_it_is(settings, tmp_path, text):
    settings.DATA_DIR = tmp_path
    backup = tmp_path / "backups/webchat-20260101-030000Z"
    (backup / "attachments").mkdir(parents=True)
    (backup / "manifest.json").write_text("{}")
    (backup / "db.sqlite3.gz").write_bytes(gzip.compress(b"nothing"))
    (backup / "attachments/notes.gz").write_bytes(b"no gzip at all")
    with translation.override("en"):
        finding = next(remains.list_copies("bob", [text])).what.partition("; ")[2]
    assert finding == (
        "one of the texts is in it" if text == "no gzip" else "the name is not in it"
    )
