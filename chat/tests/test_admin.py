"""The moderators' pages: what they show, what they do, and who is refused."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import RetiredUsername, User
from chat.models import Announcement, AuditEntry, Message, Notice, Report
from chat.moderation import services
from chat.moderation.admin import ON_USERS
from tests.cast import Api, befriend, make_user, say
from webchat.admin import BoundedAdmin

QUEUE = reverse("admin:chat_report_changelist")
USERS = reverse("admin:accounts_user_changelist")
AUDIT = reverse("admin:chat_auditentry_changelist")
FRONT = reverse("admin:index")


def client_of(user, **options):
    client = Client(headers={"accept-language": "en"}, **options)
    client.force_login(user)
    return client


@pytest.fixture
def moderator(db):
    user = make_user("moderator")
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name="管理员"))
    return user


@pytest.fixture
def desk(moderator):
    """The moderator's browser."""
    return client_of(moderator)


@pytest.fixture
def report(alice, bob):
    say(alice, bob, "davor")
    message = say(bob, alice, "böse <b>Worte</b>")
    say(alice, bob, "danach")
    Api(alice).post(f"messages/{message.id}/report/", reason="beleidigend")
    return Report.objects.get()


def page_of(report):
    return reverse("admin:chat_report_change", args=[report.pk])


def decide(report, act):
    return reverse("admin:chat_report_decide", args=[report.pk, act])


def user_page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def moderate(user, act):
    return reverse("admin:accounts_user_moderate", args=[user.pk, act])


def acts():
    return list(AuditEntry.objects.order_by("id").values_list("act", flat=True))


# What is shown


def test_what_people_write_is_not_registered():
    hidden = {"Conversation", "Membership", "Message", "Event", "EventLog", "Notice", "Typing"}
    registered = {model.__name__ for model in admin.site._registry}
    assert {model.__name__ for model in apps.get_app_config("chat").get_models()} >= hidden
    assert not registered & hidden


def test_every_list_keeps_to_its_filters(desk, report):
    assert all(isinstance(each, BoundedAdmin) for each in admin.site._registry.values())
    # Each look at a text is written down; this would be one that is not.
    assert desk.get(QUEUE, {"snapshot__icontains": "böse"}).status_code == 400


@pytest.mark.parametrize("how", ["regex", "range", "in", "icontains", "startswith", "year__regex"])
def test_a_list_compares_only_as_its_links_do(desk, report, how):
    assert desk.get(QUEUE, {f"created_at__{how}": "\0" + "*" * 1200}).status_code == 400
    assert desk.get(QUEUE, {"created_at__gte": "2026-01-01 00:00:00+08:00"}).status_code == 200
    assert desk.get(QUEUE, {"outcome__exact": "banned"}).status_code == 200


def test_the_queue_shows_what_is_open_and_no_text(desk, report):
    page = desk.get(QUEUE)
    assert page.context["cl"].result_count == 1
    assert "böse" not in page.content.decode()
    services.dismiss(by=User.objects.create_superuser("boss"), report=report)
    assert desk.get(QUEUE).context["cl"].result_count == 0
    assert desk.get(QUEUE, {"state": "closed"}).context["cl"].result_count == 1
    assert desk.get(QUEUE, {"state": "all"}).context["cl"].result_count == 1


def test_a_report_is_read_as_a_chat_and_every_look_is_written_down(desk, moderator, report):
    page = desk.get(page_of(report)).content.decode()
    for words in ("davor", "böse &lt;b&gt;Worte&lt;/b&gt;", "danach", "beleidigend"):
        assert words in page
    assert page.count("is-reported") == 1
    desk.get(page_of(report))
    assert acts() == ["looked", "looked"]
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
    few = [count(path) for path in (QUEUE, AUDIT, FRONT)]
    grow("b")
    assert [count(path) for path in (QUEUE, AUDIT, FRONT)] == few


def test_users_are_found_by_name_and_mail_and_filtered(desk, alice, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com", is_active=False)

    def names(**query):
        return {user.username for user in desk.get(USERS, query).context["cl"].result_list}

    assert names(q="BOB@example") == names(q="bob") == {"bob"}
    assert names(is_active__exact=0) == {"bob"}
    assert "alice" in names(is_active__exact=1)


def test_a_moderator_reads_a_user_and_changes_nothing_there(desk, alice):
    page = desk.get(user_page(alice))
    assert page.status_code == 200
    assert b"_save" not in page.content
    assert b'name="password' not in page.content.partition(b'id="content"')[2]
    assert desk.post(user_page(alice), {"email": "x@y.example"}).status_code == 403
    url = reverse("admin:auth_user_password_change", args=[alice.pk])
    assert desk.get(url).status_code == 403


# What is done


@pytest.mark.parametrize(
    ("act", "data", "outcome"),
    [
        ("dismiss", {}, "dismissed"),
        ("remove", {}, "removed"),
        ("warn", {"words": "freundlich bleiben"}, "warned"),
        ("mute", {"hours": "24"}, "muted"),
        ("ban", {}, "banned"),
    ],
)
def test_a_button_decides(desk, report, bob, act, data, outcome):
    assert f'action="{page_path(report, act)}"' in desk.get(page_of(report)).content.decode()
    assert desk.get(decide(report, act)).status_code == 405
    assert report_state(report) == ""
    answer = desk.post(decide(report, act), data, follow=True)
    assert answer.redirect_chain == [(page_of(report), 302)]
    assert report_state(report) == outcome
    assert acts()[1] == outcome
    bob.refresh_from_db()
    assert bob.is_active == (act != "ban")
    assert bool(bob.muted_until) == (act == "mute")
    assert bool(Message.objects.filter(removed_at__isnull=False)) == (act == "remove")
    assert Notice.objects.filter(user=bob, kind="warning").exists() == (act == "warn")


def page_path(report, act):
    return f"/admin/chat/report/{report.pk}/decide/{act}/"


def report_state(report):
    report.refresh_from_db()
    return report.outcome


@pytest.mark.parametrize(
    ("act", "data", "written"),
    [
        ("warn", {}, "warned"),
        ("mute", {"hours": "1"}, "muted"),
        ("unmute", {}, "unmuted"),
        ("ban", {}, "banned"),
        ("unban", {}, "unbanned"),
        ("sign_out", {}, "signed_out"),
        ("issue_code", {}, "code_issued"),
    ],
)
def test_a_button_acts_on_a_user(desk, alice, act, data, written):
    if act == "issue_code":  # which is no part of the moderators' group
        desk = client_of(User.objects.create_superuser("boss"))
    if act == "unmute":
        User.objects.update(muted_until=timezone.now() + timedelta(hours=1))
    if act == "unban":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    path = f"/admin/accounts/user/{alice.pk}/moderate/{act}/"
    assert f'action="{path}"' in desk.get(user_page(alice)).content.decode()
    assert desk.get(moderate(alice, act)).status_code == 405
    answer = desk.post(moderate(alice, act), data, follow=True)
    assert answer.redirect_chain == [(user_page(alice), 302)]
    assert acts() == [written]


@pytest.mark.parametrize("data", [{}, {"hours": "2"}, {"hours": "x"}])
def test_a_mute_is_for_one_of_three_times(desk, alice, data):
    desk.post(moderate(alice, "mute"), data)
    assert acts() == []


def test_words_that_cannot_be_stored_are_refused(desk, alice):
    for words in ("x" * 501, "\x1b"):
        desk.post(moderate(alice, "warn"), {"words": words})
    assert acts() == []


def test_what_cannot_be_done_any_more_is_said(desk, report, bob):
    bob.delete()
    assert desk.get(page_of(report)).status_code == 200
    for act in ("remove", "warn", "ban"):
        answer = desk.post(decide(report, act), follow=True)
        assert "gone already" in answer.content.decode()
    assert report_state(report) == ""


def test_there_is_no_other_act(desk, report, alice):
    assert desk.post(decide(report, "read")).status_code == 404
    assert desk.post(decide(report, "sign_out")).status_code == 302
    assert desk.post(moderate(alice, "delete")).status_code == 404
    assert desk.post(moderate(User(pk=10**6), "ban")).status_code == 404


def test_a_form_without_its_token_is_refused(moderator, report, alice):
    client = client_of(moderator, enforce_csrf_checks=True)
    for path in (decide(report, "dismiss"), moderate(alice, "ban")):
        assert client.post(path).status_code == 403
    assert acts() == []


# Who is refused


@pytest.fixture
def clerk(db):
    """Staff who may look at reports and users, and no more."""
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


@pytest.mark.parametrize("act", ["warn", "mute", "ban", "sign_out", "issue_code"])
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


# Deleting


def test_a_deletion_counts_and_lists_no_text_and_no_endless_names(desk, alice, bob):
    say(alice, bob, "geheim")
    url = reverse("admin:accounts_user_delete", args=[alice.pk])
    page = desk.get(url)
    assert "geheim" not in page.content.decode()
    counts = {str(what): number for what, number in page.context["model_count"]}
    assert (counts["messages"], counts["friends"]) == (1, 1)
    many = [make_user(f"user{number}").pk for number in range(60)]
    data = {"action": "delete_selected", "_selected_action": many}
    page = desk.post(USERS, data)
    assert len(page.context["deletable_objects"][0]) == 51
    assert page.context["deletable_objects"][0][-1] == "and 10 more"
    desk.post(USERS, data | {"post": "yes"})
    assert RetiredUsername.objects.count() == 60
    assert acts() == ["deleted"] * 60


# The audit log


def test_the_audit_log_is_read_and_found_by_name(desk, moderator, alice, bob):
    services.sign_out(by=moderator, about=alice)
    services.mute(by=moderator, about=bob, hours="168")
    page = desk.get(AUDIT)
    assert [entry.about_name for entry in page.context["cl"].result_list] == ["bob", "alice"]
    found = desk.get(AUDIT, {"q": "ALICE"}).context["cl"].result_list
    assert [entry.act for entry in found] == ["signed_out"]


def test_nobody_edits_the_audit_log_not_even_a_superuser(alice):
    boss = User.objects.create_superuser("boss")
    services.sign_out(by=boss, about=alice)
    entry = AuditEntry.objects.get()
    client = client_of(boss)
    for name in ("change", "delete"):
        url = reverse(f"admin:chat_auditentry_{name}", args=[entry.pk])
        assert client.post(url, {"detail": "nothing", "post": "yes"}).status_code == 403
    assert client.get(reverse("admin:chat_auditentry_add")).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    client.post(AUDIT, data)
    assert acts() == ["signed_out"]


def test_what_the_forms_do_to_users_is_written_down_too(alice):
    client = client_of(User.objects.create_superuser("boss"))
    new = {"usable_password": "true", "password1": "blue-kettle-9", "password2": "blue-kettle-9"}
    client.post(reverse("admin:accounts_user_add"), new | {"username": "emil"})
    client.post(user_page(alice), {"email": "a@b.example"})
    client.post(reverse("admin:auth_user_password_change", args=[alice.pk]), new)
    assert acts() == ["added", "edited", "edited"]


# Announcements and the front page


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
