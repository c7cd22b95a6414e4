"""Announcements: to everyone, once, live and later, and again when they change."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Announcement, AnnouncementCursor, AuditEntry, EventLog, Notice
from chat.notices.presentation import look_pending
from chat.notices.services import announce, withdraw
from tests.cast import Api, error_of


@pytest.fixture
def root(db):
    return User.objects.create_superuser("boss")


def tell(root, text):
    announcement = Announcement(text=text)
    announce(by=root, announcement=announcement)
    return announcement


def unseen(user):
    return [each["text"] for each in Api(user).get("notices/").json()["announcements"]]


def see(user, announcement):
    return Api(user).post("announcements/seen/", up_to=announcement.edition)


def page_of(user):
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def test_everyone_is_shown_an_announcement_once(root, alice, mallory):
    first = tell(root, "周五维护")
    assert unseen(alice) == unseen(mallory) == ["周五维护"]
    assert 'class="pending-text" dir="auto">周五维护' in page_of(alice).get("/").content.decode()
    assert see(alice, first).status_code == 200
    assert unseen(alice) == []
    assert "周五维护" not in page_of(alice).get("/").content.decode()
    assert unseen(mallory) == ["周五维护"]


def test_it_is_shown_again_when_it_is_changed(root, alice):
    announcement = tell(root, "周五维护")
    see(alice, announcement)
    other = tell(root, "新功能")
    see(alice, other)
    head = EventLog.objects.head()
    announcement.text = "周六维护"
    announce(by=root, announcement=announcement)
    assert unseen(alice) == ["周六维护"]
    [event] = Api(alice).get("events/", after=head).json()["events"]
    assert event == {
        "id": announcement.edition, "kind": "announcement", "text": "周六维护",
        "announcement_id": announcement.pk,
    }  # fmt: skip


def test_who_was_away_is_told_of_the_last_wording_only(root, alice):
    head = EventLog.objects.head()
    announcement = tell(root, "周五维护")
    announcement.text = "周六维护"
    announce(by=root, announcement=announcement)
    gone = tell(root, "误会")
    withdraw(by=root, announcement=gone)
    told = Api(alice).get("events/", after=head).json()["events"]
    assert [event["text"] for event in told] == ["周六维护"]


def test_the_cursor_only_moves_forward_and_not_beyond_what_there_is(root, alice):
    first, second = tell(root, "1"), tell(root, "2")
    assert unseen(alice) == ["1", "2"]
    see(alice, second)
    see(alice, first)
    assert unseen(alice) == []
    Api(alice).post("announcements/seen/", up_to=10**30)
    assert AnnouncementCursor.objects.get().seen_through == second.edition
    tell(root, "3")
    assert unseen(alice) == ["3"]


@pytest.mark.parametrize("nonsense", [None, "x", 1.5, True])
def test_a_cursor_is_a_number(alice, nonsense):
    answer = Api(alice).post("announcements/seen/", up_to=nonsense)
    assert error_of(answer) == (400, "invalid")


def test_a_newcomer_is_shown_the_newest_and_finds_the_rest(root, alice):
    for number in range(5):
        tell(root, f"公告{number}")
    assert unseen(alice) == ["公告2", "公告3", "公告4"]
    page = page_of(alice).get("/announcements/").content.decode()
    assert page.index("公告4") < page.index("公告0")
    assert b'href="/announcements/"' in page_of(alice).get("/discover/").content


def test_to_read_is_not_to_confirm(root, alice):
    tell(root, "周五维护")
    page_of(alice).get("/announcements/")
    assert unseen(alice) == ["周五维护"]


def test_an_announcement_is_once_on_a_page(root, alice):
    announcement = tell(root, "周五维护")
    article = f'<article class="sheet" data-announcement="{announcement.pk}"'
    own, other = (page_of(alice).get(path).content.decode() for path in ("/announcements/", "/"))
    opened = re.compile(r'<dialog id="pending"[^>]* open')
    assert article in own
    assert 'form="pending-form"' in own
    assert not opened.search(re.sub(r"\s+", " ", own))
    assert article not in other
    assert 'form="pending-form"' not in other
    assert opened.search(re.sub(r"\s+", " ", other))


def test_a_notice_stands_over_the_announcements_too(root, alice):
    announcement = tell(root, "周五维护")
    Notice.objects.create(user=alice, kind=Notice.Kind.WARNING)
    page = re.sub(r"\s+", " ", page_of(alice).get("/announcements/").content.decode())
    assert re.search(r'<dialog id="pending"[^>]* open', page)
    assert re.search(f'data-edition="{announcement.edition}" hidden', page)


def test_it_is_confirmed_by_a_plain_form_and_leads_back(root, alice):
    announcement = tell(root, "周五维护")
    client = page_of(alice)
    typed = {"up_to": announcement.edition, "next": "/contacts/"}
    assert client.post("/notices/confirm/", typed)["Location"] == "/contacts/"
    assert unseen(alice) == []
    for elsewhere in ("https://evil.example/", "//evil.example", "", "javascript:alert(1)"):
        typed = {"up_to": "x", "notice": ["y", "9" * 30], "next": elsewhere}
        assert client.post("/notices/confirm/", typed)["Location"] == "/"


def test_an_announcement_is_text_and_no_markup(root, alice):
    tell(root, "<script>alert(1)</script>")
    for path in ("/", "/announcements/"):
        assert "<script>alert" not in page_of(alice).get(path).content.decode()


def test_asking_what_waits_is_one_query(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert not look_pending(alice)


def test_every_announcement_is_written_down(root):
    announcement = tell(root, "1")
    number = announcement.pk
    withdraw(by=root, announcement=announcement)
    acts = AuditEntry.objects.order_by("id").values_list("act", "detail", "actor_number")
    assert list(acts) == [
        ("announced", f"#{number}", root.pk), ("withdrawn", f"#{number}", root.pk),
    ]  # fmt: skip
