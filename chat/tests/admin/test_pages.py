"""The moderators' pages: their content."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from chat.models import AuditEntry
from chat.moderation import services
from tests.cast import Api, befriend, make_user
from webchat.admin import BoundedAdmin

from .conftest import AUDIT, FRONT, QUEUE, USERS, acts, page_of, user_page


def test_what_people_write_is_not_registered():
    hidden = {"Conversation", "Membership", "Message", "Event", "EventLog", "Notice", "Typing"}
    registered = {model.__name__ for model in admin.site._registry}
    assert {model.__name__ for model in apps.get_app_config("chat").get_models()} >= hidden
    assert not registered & hidden


def test_every_list_keeps_to_its_filters(desk, report):
    assert all(isinstance(each, BoundedAdmin) for each in admin.site._registry.values())
    # Each look at a text is logged; this would be one that is not.
    assert desk.get(QUEUE, {"snapshot__icontains": "böse"}).status_code == 400


@pytest.mark.parametrize("how", ["regex", "range", "in", "icontains", "startswith", "year__regex"])
def test_a_list_compares_only_as_its_links_do(desk, report, how):
    assert desk.get(QUEUE, {f"created_at__{how}": "\0" + "*" * 1200}).status_code == 400
    assert desk.get(QUEUE, {"created_at__gte": "2026-01-01 00:00:00+08:00"}).status_code == 200
    assert desk.get(QUEUE, {"outcome__exact": "banned"}).status_code == 200


def test_the_queue_shows_what_is_open_and_of_the_chat_the_reported_message_alone(desk, report):
    page = desk.get(QUEUE)
    assert page.context["cl"].result_count == 1
    words = page.content.decode()
    assert "“böse &lt;b&gt;Worte&lt;/b&gt;”" in words
    assert "beleidigend" in words
    assert "davor" not in words
    assert "danach" not in words
    services.dismiss(by=User.objects.create_superuser("boss"), report=report)
    assert desk.get(QUEUE).context["cl"].result_count == 0
    assert desk.get(QUEUE, {"state": "closed"}).context["cl"].result_count == 1
    assert desk.get(QUEUE, {"state": "all"}).context["cl"].result_count == 1


def test_a_report_is_read_as_a_chat_and_the_look_is_written_down(desk, moderator, report):
    page = desk.get(page_of(report)).content.decode()
    for words in ("davor", "böse &lt;b&gt;Worte&lt;/b&gt;", "danach", "beleidigend"):
        assert words in page
    assert page.count("is-reported") == 1
    assert acts() == ["looked"]
    entry = AuditEntry.objects.first()
    assert (entry.actor_number, entry.report_number) == (moderator.pk, report.pk)


def test_the_number_of_queries_does_not_grow_with_the_reports(desk, alice, settings):
    settings.SEND_RATE = None

    def grow(tag):
        for number in range(5):
            friend = make_user(f"{tag}{number}")
            befriend(alice, friend)
            Api(alice).post(f"friends/{friend.username}/report/", reason="x")

    def count(path):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            assert desk.get(path).status_code == 200
        return len(queries)

    grow("a")
    desk.get(QUEUE)  # the first look is written down
    few = [count(path) for path in (QUEUE, AUDIT, FRONT)]
    grow("b")
    assert [count(path) for path in (QUEUE, AUDIT, FRONT)] == few


def test_users_are_found_by_name_and_mail_and_filtered(desk, alice, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com", is_active=False)

    def names(**query):
        return {user.username for user in desk.get(USERS, query).context["cl"].result_list}

    assert names(q="BOB@example") == names(q="bob") == {"bob"}
    now = timezone.now()
    User.objects.filter(pk=alice.pk).update(muted_until=now + timedelta(hours=1))
    User.objects.filter(pk=make_user("ended").pk).update(muted_until=now)
    User.objects.filter(pk=make_user("newcomer").pk).update(unverified_since=now)
    assert names(standing="banned") == {"bob"}
    assert names(standing="muted") == {"alice"}
    assert names(standing="waiting") == {"newcomer"}
    assert names(standing="x") == names() > {"alice", "bob"}
    assert names(is_staff__exact=1) == {"moderator"}


def test_a_moderator_reads_a_user_and_changes_nothing_there(desk, alice):
    page = desk.get(user_page(alice))
    assert page.status_code == 200
    assert b"_save" not in page.content
    assert b'name="password' not in page.content.partition(b'id="content"')[2]
    assert desk.post(user_page(alice), {"email": "x@y.example"}).status_code == 403
    url = reverse("admin:auth_user_password_change", args=[alice.pk])
    assert desk.get(url).status_code == 403
