"""Announcements and the front page."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from chat.models import Announcement, Message
from chat.moderation import troubles
from tests.cast import Api, make_user, say
from webchat import doctor
from webchat.database.folders import LOW_DISK_BYTES
from webchat.doctor.finding import Finding, Level
from webchat.mail_failures import Failure
from webchat.nightly import Nightly

from .conftest import FRONT, USERS, acts, client_of

QUERIES = 16  # session, user, two for permissions, and one or two for each number


@pytest.fixture
def root_desk(db):
    return client_of(User.objects.create_superuser("boss", password="blaue-Wolke-7"))


def test_an_announcement_is_written_changed_and_withdrawn(desk, alice):
    add = reverse("admin:chat_announcement_add")
    assert desk.get(add).status_code == 200
    assert desk.post(add, {"text": " 周五维护\r\n"}).status_code == 302
    announcement = Announcement.objects.get()
    assert announcement.text == "周五维护"
    change = reverse("admin:chat_announcement_change", args=[announcement.pk])
    desk.post(change, {"text": "周五维护"})  # nothing is changed, nobody is told
    desk.post(change, {"text": "周六维护"})
    [shown] = Api(alice).get("notices/").json()["announcements"]
    assert (shown["text"], shown["edition"] > announcement.edition) == ("周六维护", True)
    desk.post(reverse("admin:chat_announcement_delete", args=[announcement.pk]), {"post": "yes"})
    assert acts() == ["announced", "announced", "withdrawn"]
    for text in ("", "x" * 2001, "\x1b"):
        assert desk.post(add, {"text": text}).status_code == 200
    assert not Announcement.objects.exists()


def front(client):
    return client.get(FRONT).content.decode().partition('id="content-main"')[2]


def shown_troubles(client):
    return front(client).partition('class="troubles')[2].partition("</section>")[0]


@pytest.fixture
def folder(settings, tmp_path, monkeypatch):
    """A folder of data with a backup of this night; the server has all that it needs."""
    settings.DATA_DIR = settings.BASE_DIR = tmp_path
    # The key of the tests is a simple one.
    cheap = [name for name in troubles.CHEAP if name != "secret_key"]
    monkeypatch.setattr("chat.moderation.troubles.CHEAP", cheap)
    (tmp_path / ".env").touch(mode=0o600)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "webchat-20260101-030000.tar.gz").touch()
    return tmp_path


def age(folder, **time):
    old = (timezone.now() - timedelta(**time)).timestamp()
    os.utime(folder / "backups" / "webchat-20260101-030000.tar.gz", (old, old))


@pytest.fixture
def known(monkeypatch):
    """What the program has noted of its mails and nights; a test adds to it."""
    notes = {"last_failure": None, "last_nightly": None}
    for name in notes:
        monkeypatch.setattr(f"chat.moderation.troubles.{name}", partial(notes.get, name))
    monkeypatch.setattr("webchat.doctor.data.last_nightly", partial(notes.get, "last_nightly"))
    return notes


def test_the_front_page_says_what_waits_and_how_things_stand(desk, report, folder):
    age(folder, hours=3)
    for words in ("Open reports", "New accounts in 7 days", "To be confirmed", "Storage", "Mail"):
        assert words in front(desk)
    assert "3\N{NO-BREAK SPACE}hours ago" in front(desk)
    assert "there is none" not in front(desk)
    (folder / "backups" / "webchat-20260101-030000.tar.gz").rename(folder / "holiday.tar.gz")
    assert "there is none" in front(desk)


def test_one_quiet_line_says_that_nothing_is_wrong(desk, folder):
    assert "Nothing is wrong with the server." in front(desk)
    assert not shown_troubles(desk)


def test_what_is_wrong_comes_first_with_its_remedy(root_desk, folder, monkeypatch):
    age(folder, days=5)
    assert "The newest backup is 5 days old." in shown_troubles(root_desk)
    assert "manage.py backup" in shown_troubles(root_desk)
    shutil.rmtree(folder / "backups")
    assert "There is no backup yet." in shown_troubles(root_desk)
    (folder / ".env").chmod(0o644)
    assert "Others on this machine can read .env." in shown_troubles(root_desk)
    assert f"chmod 600 {folder}/.env" in shown_troubles(root_desk)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=LOW_DISK_BYTES - 1))
    assert "The disk is full" in shown_troubles(root_desk)
    page = front(root_desk)
    assert page.index("The disk is full") < page.index("What waits")
    assert "Nothing is wrong" not in page


def test_mail_that_failed_last_is_told_and_one_refused_address_as_advice(root_desk, folder, known):
    now = timezone.now()
    failure = Failure(now, now, 3, "SMTPAuthenticationError", 535, "Login fail", refused="")
    known["last_failure"] = failure
    assert "The last 3 mails could not be sent" in shown_troubles(root_desk)
    assert "535 Login fail" in shown_troubles(root_desk)
    known["last_failure"] = replace(failure, code=0, words="")
    assert "The mail server does not speak as expected" in shown_troubles(root_desk)
    known["last_failure"] = replace(failure, refused="0123456789abcdef")
    assert '<li class="is-advice"><strong>The mail server refused' in " ".join(
        shown_troubles(root_desk).split()
    ).replace("> <", "><")


def test_what_failed_at_night_is_told_and_that_there_was_none(root_desk, desk, folder, known):
    failures = {"doctor": "✗ files: /srv is open to others"}
    known["last_nightly"] = Nightly(timezone.now(), failures)
    assert "Last night&#x27;s check of the server" in shown_troubles(root_desk)
    assert "/srv is open" in shown_troubles(root_desk)
    assert "Last night&#x27;s check of the server" in shown_troubles(desk)
    assert "/srv" not in shown_troubles(desk)
    failures = {"backup --to": "No disk.", "prune": "No time."}
    known["last_nightly"] = Nightly(timezone.now(), failures)
    in_words = "Last night&#x27;s backup on the other disk, clean-up failed"
    assert in_words in shown_troubles(root_desk)
    known["last_nightly"] = Nightly(timezone.now() - timedelta(hours=49))
    assert "The nightly has not run since" in shown_troubles(root_desk)


def test_only_who_can_mend_it_is_told_how(desk, folder):
    shutil.rmtree(folder / "backups")
    assert "There is no backup yet." in shown_troubles(desk)
    assert "manage.py" not in shown_troubles(desk)
    assert "Please tell the administrator" in shown_troubles(desk)


def test_a_look_that_fails_is_a_trouble_and_breaks_no_page(desk, folder, monkeypatch, caplog):
    def fail():
        raise PermissionError(13, "Permission denied", "/srv/webchat/backups")

    monkeypatch.setattr("webchat.doctor.data.newest_backup", fail)
    page = shown_troubles(desk)
    assert "This could not be checked: PermissionError" in page
    assert "/srv" not in page
    [record] = [each for each in caplog.records if each.name == troubles.__name__]
    assert record.exc_info[0] is PermissionError


@pytest.mark.parametrize("name", troubles.CHEAP)
def test_the_front_page_says_what_doctor_says(root_desk, folder, known, monkeypatch, name):
    for level in (Level.ADVICE, Level.WRONG):
        finding = Finding(level, f"{name} is {level}", f"mend {name}")
        monkeypatch.setitem(doctor.CHECKS, name, lambda finding=finding: finding)
        monkeypatch.setattr("chat.moderation.troubles.CHEAP", [name])
        page = shown_troubles(root_desk)
        assert f"{name} is {level}" in page
        assert f"mend {name}" in page


def test_what_is_wrong_stands_above_mere_advice(root_desk, folder, known):
    shutil.rmtree(folder / "backups")  # advice, which doctor gives before it looks at .env
    page = front(root_desk)
    assert "Worth a look" in page
    assert "What is wrong" not in page
    assert 'class="troubles is-advice"' in page
    (folder / ".env").chmod(0o644)
    page = shown_troubles(root_desk)
    assert page.index("read .env") < page.index("There is no backup yet.")
    grave, advice = page.split('<li class="is-advice">')
    assert "<strong>Others" in grave
    assert "<strong>There is no backup yet." in advice


def test_the_front_page_tells_only_what_one_may_know(db):
    user = make_user("clerk")
    user.is_staff = True
    user.save()
    for words in ("Open reports", "New accounts", "To be confirmed", "People", "Messages today"):
        assert words not in front(client_of(user))
    assert "announcement" not in front(client_of(user))


def test_a_moderator_has_the_tasks_of_one(desk):
    assert reverse("admin:chat_announcement_add") in front(desk)
    assert reverse("admin:chat_auditentry_changelist") in front(desk)
    assert "Import a list" not in front(desk)
    assert "Give out reset codes" not in front(desk)


def test_the_numbers_of_the_day(desk, alice, bob, monkeypatch):
    def number_of(label):
        return front(desk).partition(f"<dt>{label}</dt><dd>")[2].partition("<")[0]

    client_of(alice).get("/")
    old = say(alice, bob, "gestern")
    Message.objects.filter(pk=old.id).update(sent_at=timezone.now() - timedelta(days=2))
    for text in ("eins", "zwei", "drei"):
        say(alice, bob, text)
    assert number_of("People") == str(User.objects.count())
    assert number_of("Seen today") == "2"  # alice and the moderator
    assert number_of("Messages today") == "3"
    monkeypatch.setattr("chat.moderation.waiting.COUNTED", 2)
    assert number_of("Messages today") == "2+"


def plan_of(sql):
    with connection.cursor() as cursor:
        return [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]


def test_the_front_page_reads_only_the_newest_messages(desk, alice, bob):
    say(alice, bob, "eins")
    desk.get(FRONT)
    with CaptureQueriesContext(connection) as queries:
        front(desk)
    assert len(queries) <= QUERIES
    plans = [plan_of(each["sql"]) for each in queries if '"chat_message"' in each["sql"]]
    assert len(plans) >= 2
    assert not [step for plan in plans for step in plan if step.startswith("SCAN chat_message")]


def test_the_link_to_new_accounts_leads_to_them(desk, alice):
    old = make_user("old")
    User.objects.filter(pk=old.pk).update(date_joined=timezone.now() - timedelta(days=8))
    url = front(desk).partition(f'href="{USERS}?')[2].partition('"')[0]
    page = desk.get(f"{USERS}?" + url.replace("&amp;", "&"))
    assert {user.username for user in page.context["cl"].result_list} == {"moderator", "alice"}
