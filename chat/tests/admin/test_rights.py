"""The moderators' pages: who is refused."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import User
from chat.moderation.admin import ON_USERS
from tests.cast import make_user

from .conftest import (
    AUDIT,
    FRONT,
    QUEUE,
    USERS,
    acts,
    client_of,
    decide,
    moderate,
    page_of,
    report_state,
    user_page,
)


@pytest.fixture
def clerk(db):
    """Staff who may look at reports and users, but nothing else."""
    user = make_user("clerk")
    user.is_staff = True
    user.save()
    for codename in ("view_report", "view_user"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    return client_of(user)


@pytest.mark.parametrize("act", ["dismiss", "remove", "warn", "mute", "ban"])
def test_who_may_only_look_decides_nothing(clerk, report, act):
    page = clerk.get(page_of(report)).content.decode()
    assert "<form" not in page.partition('id="content"')[2].partition("<footer")[0]
    assert clerk.post(decide(report, act), {"hours": "1"}).status_code == 403
    assert report_state(report) == ""
    assert acts() == ["looked"]


def test_who_may_act_on_users_decides_no_reports_with_that(report):
    user = make_user("warden")
    user.is_staff = True
    user.save()
    for codename in ("view_report", "moderate_user"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    assert client_of(user).post(decide(report, "warn")).status_code == 403
    assert report_state(report) == ""


@pytest.mark.parametrize("act", sorted(ON_USERS))
def test_who_may_only_look_acts_on_nobody(clerk, alice, act):
    assert b"moderate/" not in clerk.get(user_page(alice)).content
    assert clerk.post(moderate(alice, act), {"hours": "1"}).status_code == 403
    assert acts() == []


@pytest.mark.parametrize("act", ["warn", "mute", "ban", "sign_out", "remove_face", "issue_code"])
@pytest.mark.parametrize("who", ["boss", "colleague", "moderator"])
def test_a_moderator_has_no_power_over_the_staff(desk, moderator, act, who):
    User.objects.create_superuser("boss")
    User.objects.create_user("colleague", is_staff=True)
    about = User.objects.get(username=who)
    assert b"moderate/" not in desk.get(user_page(about)).content
    assert desk.post(moderate(about, act), {"hours": "1"}).status_code == 403
    assert acts() == []
    about.refresh_from_db()
    assert about.is_active


def test_a_moderator_deletes_nobody_of_the_staff(desk, moderator, alice):
    for about in (User.objects.create_superuser("boss"), moderator):
        url = reverse("admin:accounts_user_delete", args=[about.pk])
        assert desk.post(url, {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": [about.pk], "post": "yes"}
        desk.post(USERS, data)
        assert User.objects.filter(pk=about.pk).exists()
    url = reverse("admin:accounts_user_delete", args=[alice.pk])
    assert desk.post(url, {"post": "yes"}).status_code == 302
    assert acts() == ["deleted"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_no_staff_does_not_come_in(alice, bob, report, method):
    for path in (FRONT, QUEUE, USERS, AUDIT, page_of(report)):
        answer = getattr(client_of(alice), method)(path)
        assert answer["Location"].startswith("/admin/login/")
    answer = client_of(alice).post(decide(report, "ban"))
    assert answer["Location"].startswith("/admin/login/")
    assert acts() == []
