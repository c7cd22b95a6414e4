"""The page of a person: names, devices, reports and what the staff has done."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import sessions
from accounts.models import User, UserSession
from chat.models import AuditEntry, Report
from chat.moderation import services
from chat.people.person import ROWS_AT_MOST
from tests.cast import Api, befriend, make_user, say

from .conftest import AUDIT, USERS, acts, client_of, page_of, user_page

PASSWORD = "blaue-Wolke-7"


@pytest.fixture
def office(db):
    """A superuser's browser."""
    return client_of(User.objects.create_superuser("boss"))


@pytest.fixture
def steward(db):
    """The browser of staff who may edit users, and are no superusers."""
    user = make_user("steward")
    User.objects.filter(pk=user.pk).update(is_staff=True)
    for codename in ("view_user", "change_user"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    return client_of(user)


def device(user, about):
    return reverse("admin:accounts_user_device", args=[about.pk]), {
        "device": sessions.public_id_of(UserSession.objects.filter(user=user).latest("started_at"))
    }


# The real name


def test_the_real_name_stands_beside_the_user_name_and_is_searched(desk, alice, bob):
    User.objects.filter(pk=bob.pk).update(real_name="王伟")
    page = desk.get(USERS, {"q": "王"})
    assert [user.username for user in page.context["cl"].result_list] == ["bob"]
    assert "王伟" in page.content.decode()
    assert "王伟" in desk.get(user_page(bob)).content.decode()


@pytest.mark.parametrize("name", ["Élodie Ölmez", "王伟", "Ｗang Ｗei", "⽟"])
def test_a_real_name_is_found_as_it_stands_in_the_list(desk, bob, name):
    User.objects.filter(pk=bob.pk).update(real_name=name)
    found = desk.get(USERS, {"q": name}).context["cl"].result_list
    assert [user.username for user in found] == ["bob"]


def test_the_real_name_is_set_and_bounded(office, alice):
    def post(real_name):
        return office.post(user_page(alice), {"email": "", "real_name": real_name})

    assert post("  王  伟 ").status_code == 302
    assert User.objects.get(pk=alice.pk).real_name == "王 伟"
    for bad in ("x" * 65, "a\x07b", "\u0301" * 40):
        page = post(bad)
        assert page.status_code == 200
        assert list(page.context["adminform"].form.errors) == ["real_name"]
    assert User.objects.get(pk=alice.pk).real_name == "王 伟"


def test_the_real_name_stands_on_a_report_for_those_who_may_look_at_users(desk, report, bob):
    User.objects.filter(pk=bob.pk).update(real_name="王伟")
    assert "(<bdi>王伟</bdi>)" in desk.get(page_of(report)).content.decode()
    reader = make_user("reader")
    User.objects.filter(pk=reader.pk).update(is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_report"))
    page = client_of(reader).get(page_of(report))
    assert page.status_code == 200
    assert "王伟" not in page.content.decode()


def test_a_moderator_sets_no_real_name(desk, alice):
    assert desk.post(user_page(alice), {"real_name": "王伟"}).status_code == 403


def test_other_people_never_see_the_real_name(alice, bob):
    User.objects.filter(pk=bob.pk).update(real_name="王伟大")
    say(bob, alice, "hallo")
    client, api = client_of(alice), Api(alice)
    for path in ("/", "/chat/bob/", "/contacts/", "/contacts/bob/", "/discover/"):
        assert "王伟大" not in client.get(path, follow=True).content.decode()
    for path in ("friends/", "conversations/", "search/?q=王伟大", "events/?after=0"):
        assert "王伟大" not in api.get(path).content.decode()


# Last seen


def test_last_seen_is_that_of_the_newest_session_or_the_last_log_in(office, alice):
    def seen():
        return User.objects.with_last_seen().get(pk=alice.pk).last_seen_at

    assert seen() is None
    client_of(alice)
    now = timezone.now()
    UserSession.objects.filter(user=alice).update(last_seen_at=now)
    assert seen() == now
    alice.sessions.end()
    assert seen() == User.objects.get(pk=alice.pk).last_login
    assert office.get(USERS, {"o": "4"}).status_code == 200


def test_the_list_asks_as_much_for_many_as_for_few(office):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert office.get(USERS).status_code == 200
        return len(queries)

    few = count()
    for number in range(10):
        client_of(make_user(f"user{number}"))
    assert count() == few


def test_the_list_says_how_everybody_stands(office, alice, bob, mallory):
    now = timezone.now()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    User.objects.filter(pk=bob.pk).update(muted_until=now + timedelta(hours=1))
    User.objects.filter(pk=mallory.pk).update(unverified_since=now)
    page = office.get(USERS)
    found = re.findall(r'class="field-standing">([^<]+)<', page.content.decode())
    until = f"{timezone.localtime(now + timedelta(hours=1)):%Y-%m-%d %H:%M}"
    assert found == ["Banned", f"Muted until {until}", "In good standing", "Waits to be let in"]


def test_the_page_begins_with_the_facts_before_acts_lists_and_form(office, alice):
    User.objects.filter(pk=alice.pk).update(is_staff=True, real_name="王伟")
    page = office.get(user_page(alice)).content.decode().partition('id="content-start"')[2]
    places = ["report-facts", "王伟", "never", 'id="acts-title"', "devices-title", 'id="user_form"']
    found = [page.index(each) for each in places]
    assert found == sorted(found)
    assert "· Staff" in page
    assert page.count("<h2") == page.count("</h2>")
    assert reverse("admin:accounts_user_history", args=[alice.pk]) in page


def test_a_moderator_is_shown_no_form_without_fields(desk, alice):
    page = desk.get(user_page(alice)).content.decode()
    assert "report-facts" in page
    assert "<fieldset" not in page


# The devices


def test_a_moderator_sees_the_devices_and_signs_out_one(desk, alice):
    here = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/120"})
    here.post("/login/", {"username": "alice", "password": PASSWORD})
    there = client_of(alice)
    page = desk.get(user_page(alice)).content.decode()
    assert "Chrome · Windows" in page
    assert page.count('name="device"') == 2
    assert here.session.session_key not in page
    url, data = device(alice, alice)
    assert desk.get(url).status_code == 405
    assert "The device is signed out." in desk.post(url, data, follow=True).content.decode()
    assert alice.sessions.count() == 1
    assert "signed out already" in desk.post(url, data, follow=True).content.decode()
    assert acts() == ["signed_out_one"]
    assert {here.get("/").status_code, there.get("/").status_code} == {200, 302}


@pytest.mark.parametrize("who", ["boss", "colleague", "moderator"])
def test_a_moderator_signs_out_no_device_of_the_staff(desk, moderator, who):
    User.objects.create_superuser("boss")
    User.objects.create_user("colleague", is_staff=True)
    about = User.objects.get(username=who)
    client_of(about)
    url, data = device(about, about)
    assert 'name="device"' not in desk.get(user_page(about)).content.decode()
    assert desk.post(url, data).status_code == 403
    assert acts() == []


def test_a_device_of_somebody_else_is_not_ended_by_a_wrong_address(desk, alice, bob):
    client_of(bob)
    url, data = device(bob, alice)
    for given in (data, {}, {"device": "é\x00" * 500}):
        assert desk.post(url, given).status_code == 302
    assert bob.sessions.count() == 1
    assert acts() == []


# Reports, and what was done


def test_reports_about_and_by_a_person_are_linked(desk, report, alice, bob):
    for person in (alice, bob):
        page = desk.get(user_page(person)).content.decode()
        assert page_of(report) in page
        assert "beleidigend" not in page  # each look at a report is logged
    assert acts() == []


def test_nobody_but_a_superuser_sees_who_reported_them(desk, moderator, alice):
    befriend(alice, moderator)
    Api(alice).post("friends/moderator/report/", reason="unfair")
    own = page_of(Report.objects.get())
    assert own not in desk.get(user_page(moderator)).content.decode()
    boss = client_of(User.objects.create_superuser("boss"))
    assert own in boss.get(user_page(moderator)).content.decode()


def test_a_moderator_does_not_find_out_by_other_pages_who_reported_them(desk, moderator, alice):
    befriend(alice, moderator)
    Api(alice).post("friends/moderator/report/", reason="unfair")
    own = Report.objects.get()
    boss = User.objects.create_superuser("boss")
    services.look(by=boss, report=own)
    services.warn(by=boss, about=moderator, report=own)
    services.mute(by=boss, about=moderator, hours="1")  # not about a report
    for path in (user_page(alice), user_page(moderator), f"{AUDIT}?q=moderator", AUDIT):
        page = desk.get(path).content.decode()
        assert page_of(own) not in page, path
        assert "Looked at a report" not in page.partition("<tbody>")[2], path
        page = client_of(boss).get(path)
        assert page_of(own) in page.content.decode(), path
    assert [entry.act for entry in desk.get(AUDIT).context["cl"].result_list] == ["muted"]
    history = desk.get(user_page(moderator)).context["history"]
    assert [entry.act for entry, _words in history.rows] == ["muted"]


def test_looks_do_not_push_the_words_of_warnings_off_the_page(desk, moderator, report, bob):
    services.warn(by=moderator, about=bob, words="bleib freundlich", report=report)
    for number in range(ROWS_AT_MOST + 1):
        boss = User.objects.create_superuser(f"boss{number}")
        services.look(by=boss, report=report)
    page = desk.get(user_page(bob))
    assert page.context["history"].number == 1
    assert "bleib freundlich" in page.content.decode()


def test_other_acts_do_not_push_the_words_of_warnings_off_the_page(desk, moderator, bob):
    services.warn(by=moderator, about=bob, words="bleib freundlich")
    for _time in range(ROWS_AT_MOST + 1):
        services.sign_out(by=moderator, about=bob)
    history = desk.get(user_page(bob)).context["history"]
    assert [(each.act, words) for each, words in history.rows[-2:]] == [
        ("signed_out", ""),
        ("warned", "bleib freundlich"),
    ]


def test_the_history_of_acts_has_the_words_of_each_warning(desk, moderator, alice, bob):
    for words, hours in (("erstens", "1"), ("", "24"), ("drittens", "168")):
        services.warn(by=moderator, about=alice, words=words)
        services.mute(by=moderator, about=alice, hours=hours)
    services.warn(by=moderator, about=bob, words="an bob")
    history = desk.get(user_page(alice)).context["history"]
    found = [(entry.act, words) for entry, words in history.rows]
    assert found == [
        ("muted", ""),
        ("warned", "drittens"),
        ("muted", ""),
        ("warned", ""),
        ("muted", ""),
        ("warned", "erstens"),
    ]


def test_what_a_colleague_was_told_is_for_those_who_may_judge_them(desk, alice):
    boss = User.objects.create_superuser("boss")
    services.warn(by=boss, about=alice, words="unter uns")
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    assert "unter uns" in client_of(boss).get(user_page(alice)).content.decode()
    page = desk.get(user_page(alice))
    assert [entry.act for entry, _words in page.context["history"].rows] == ["warned"]
    assert "unter uns" not in page.content.decode()


def test_the_page_stays_bounded_and_links_to_the_rest(desk, moderator, alice, settings):
    settings.SEND_RATE = None

    def count():
        with CaptureQueriesContext(connection) as queries:
            page = desk.get(user_page(alice))
        return len(queries), page

    def grow(times):
        for _each in range(times):
            services.warn(by=moderator, about=alice, words="x")
            client_of(alice)

    grow(1)
    few, _page = count()
    grow(ROWS_AT_MOST + 5)
    many, page = count()
    assert many == few
    assert len(page.context["history"].rows) == ROWS_AT_MOST
    assert f"({ROWS_AT_MOST + 6})" in page.content.decode()
    assert reverse("admin:chat_auditentry_changelist") + "?q=alice" in page.content.decode()


def test_who_may_only_look_at_users_sees_no_devices_and_no_history(alice):
    clerk = make_user("clerk")
    User.objects.filter(pk=clerk.pk).update(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_user"))
    AuditEntry.objects.create(actor_number=1, act="warned", about_number=alice.pk)
    context = client_of(clerk).get(user_page(alice)).context
    for key in ("devices", "history", "reports_about", "reports_by"):
        assert context.get(key) is None


# The words of the page


def test_how_a_password_is_hashed_concerns_nobody(office, steward, desk, alice):
    for client in (office, steward, desk):
        page = client.get(user_page(alice)).content.decode()
        for word in ("argon2", "salt", "hash", "LDAP", "Single Sign-On", "Raw passwords"):
            assert word not in page.partition('id="content"')[2], word
    page = office.get(user_page(alice)).content.decode()
    assert f"changed on {timezone.localtime(alice.password_set_at):%Y-%m-%d %H:%M}" in page
    for view in ("auth_user_password_change", "accounts_user_change"):
        page = office.get(reverse(f"admin:{view}", args=[alice.pk])).content.decode()
        assert "LDAP" not in page
    assert "LDAP" not in office.get(reverse("admin:accounts_user_add")).content.decode()


def test_lists_of_permissions_are_for_superusers(steward, office, alice):
    page = steward.get(user_page(alice)).content.decode().partition('id="content"')[2]
    for word in ("Superuser", "permissions", "Groups"):
        assert word not in page
    assert "user_permissions" in office.get(user_page(alice)).content.decode()


def test_the_time_of_a_password_is_that_of_its_last_change(alice, office):
    first = alice.password_set_at
    new = {"new_password1": "gruene-Wiese-8", "new_password2": "gruene-Wiese-8"}
    client_of(alice).post("/password/change/", {"old_password": PASSWORD} | new)
    second = User.objects.get(pk=alice.pk).password_set_at
    url = reverse("admin:auth_user_password_change", args=[alice.pk])
    office.post(url, {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD})
    third = User.objects.get(pk=alice.pk).password_set_at
    assert first < second < third
    office.post(url, {"usable_password": "false", "unset-password": ""})
    assert User.objects.get(pk=alice.pk).password_set_at is None
    assert "nobody can log in" in office.get(user_page(alice)).content.decode()


def test_permissions_are_said_in_chinese_and_only_those_with_an_effect(office, alice):
    group = Group.objects.get(name="管理员")
    for view, pk in (("accounts_user", alice.pk), ("auth_group", group.pk)):
        path = reverse(f"admin:{view}_change", args=[pk])
        page = office.get(path, headers={"accept-language": "zh-hans"}).content.decode()
        offered = re.findall(r'<option value="\d+"[^>]*>(.* \| .*)</option>', page)
        assert "用户 | 查看" in offered
        assert "举报 | 可以处理举报" in offered
        assert [each for each in offered if re.search("[A-Za-z]", each)] == []


def test_the_group_keeps_its_permissions_when_it_is_saved(office):
    group = Group.objects.get(name="管理员")
    before = set(group.permissions.values_list("codename", flat=True))
    path = reverse("admin:auth_group_change", args=[group.pk])
    form = office.get(path).context["adminform"].form
    chosen = [each.pk for each in form.initial["permissions"]]
    office.post(path, {"name": group.name, "permissions": chosen})
    assert before
    assert set(group.permissions.values_list("codename", flat=True)) == before
