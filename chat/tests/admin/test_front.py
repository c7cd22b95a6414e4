"""Announcements and the front page."""

from __future__ import annotations

import os
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from chat.models import Announcement
from tests.cast import Api, make_user

from .conftest import FRONT, USERS, acts, client_of


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
    page = client.get(FRONT).content.decode()
    return page.partition('id="waits-title"')[2].partition("</section>")[0]


def test_the_front_page_says_what_waits(desk, report, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    assert "Open reports" in front(desk)
    assert "there is none" in front(desk)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "holiday.tar.gz").touch()
    assert "there is none" in front(desk)
    backup = tmp_path / "backups" / "webchat-20260101-030000.tar.gz"
    backup.touch()
    old = timezone.now().timestamp() - 3 * 3600
    os.utime(backup, (old, old))
    assert "3\N{NO-BREAK SPACE}hours ago" in front(desk)
    assert "there is none" not in front(desk)
    for words in ("New accounts in 7 days", "Storage", "Mail"):
        assert words in front(desk)


def test_the_front_page_tells_only_what_one_may_know(db):
    user = make_user("clerk")
    user.is_staff = True
    user.save()
    assert "Open reports" not in front(client_of(user))
    assert "New accounts" not in front(client_of(user))


def test_the_link_to_new_accounts_leads_to_them(desk, alice):
    old = make_user("old")
    User.objects.filter(pk=old.pk).update(date_joined=timezone.now() - timedelta(days=8))
    url = front(desk).partition(f'href="{USERS}')[2].partition('"')[0]
    page = desk.get(USERS + url.replace("&amp;", "&"))
    assert {user.username for user in page.context["cl"].result_list} == {"moderator", "alice"}
