"""The acts of moderators: their rights, their immediate effect, and the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from chat.models import AuditEntry, Conversation, EventLog, Membership, Message, Notice, Report
from chat.moderation import services
from tests.cast import Api, befriend, error_of, make_user, say

Act = AuditEntry.Act


@pytest.fixture
def moderator(db):
    user = make_user("moderator")
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name="管理员"))
    return user


@pytest.fixture
def report(alice, bob):
    """Alice's report of bob's message."""
    message = say(bob, alice, "böse")
    Api(alice).post(f"messages/{message.id}/report/", reason="beleidigend")
    return Report.objects.get()


def told(user, head):
    return Api(user).get("events/", after=head).json()["events"]


def acts():
    return list(AuditEntry.objects.order_by("id").values_list("act", flat=True))


# The group


def test_moderators_may_moderate_and_nothing_else(moderator):
    assert {p.partition(".")[2] for p in moderator.get_all_permissions()} == {
        "view_user", "delete_user", "view_report", "decide_report", "moderate_user",
        "view_auditentry", "view_announcement", "add_announcement", "change_announcement",
        "delete_announcement",
    }  # fmt: skip


def test_the_permissions_of_the_group_are_those_that_django_made(db):
    names = ["view_report", "decide_report", "view_user", "view_auditentry", "add_announcement"]
    for name in names:
        assert Permission.objects.filter(codename=name).count() == 1


# Power over others


@pytest.mark.parametrize("act", ["warn", "mute", "unmute", "ban", "unban", "sign_out"])
@pytest.mark.parametrize("who", ["alice", "root", "colleague", "moderator", "root_themselves"])
def test_who_may_not_act_is_refused_and_nothing_is_done(moderator, alice, act, who):
    boss = User.objects.create_superuser("boss")
    people = {
        "alice": (alice, make_user("emil")),  # not a moderator
        "root": (moderator, boss),
        "colleague": (moderator, make_user("colleague")),
        "moderator": (moderator, moderator),
        "root_themselves": (boss, boss),
    }
    by, about = people[who]
    if who == "colleague":
        about.is_staff = True
        about.save()
    more = {"hours": "1"} if act == "mute" else {}
    with pytest.raises(PermissionDenied):
        getattr(services, act)(by=by, about=about, **more)
    about.refresh_from_db()
    assert about.is_active
    assert about.muted_until is None
    assert acts() == []
    assert not Notice.objects.exists()


@pytest.mark.parametrize("act", ["look", "dismiss", "remove_message"])
def test_who_may_not_decide_does_not(report, carol, act):
    with pytest.raises(PermissionDenied):
        getattr(services, act)(by=carol, report=report)
    assert acts() == []
    assert Report.objects.get().is_open


# Decisions


def test_a_dismissed_report_tells_the_reporter_and_only_them(moderator, report, alice, bob):
    head = EventLog.objects.head()
    services.dismiss(by=moderator, report=report)
    report.refresh_from_db()
    assert (report.is_open, report.outcome) == (False, "dismissed")
    [event] = told(alice, head)
    assert event["kind"] == "notice"
    assert "bob" in event["text"]
    assert told(bob, head) == []
    assert acts() == ["dismissed"]


def test_a_removed_message_is_gone_for_both_and_stands_in_the_report(moderator, report, alice, bob):
    assert Api(alice).unread() == {"bob": 1}
    head = EventLog.objects.head()
    services.remove_message(by=moderator, report=report)
    for api, user in [(Api(alice), alice), (Api(bob), bob)]:
        [changed] = [e for e in told(user, head) if e["kind"] == "message_changed"]
        assert (changed["message"]["state"], changed["message"]["text"]) == ("removed", None)
        # Both lists show it in their row, as after a recall.
        [row] = [e for e in told(user, head) if e["kind"] == "conversation_changed"]
        assert row["conversation"]["last_message"] == changed["message"]
        friend = "bob" if user == alice else "alice"
        assert api.texts(friend) == [None]
    # The reader's badge is updated, too.
    [counted] = [e for e in told(alice, head) if e["kind"] == "conversation_changed"]
    assert counted["conversation"]["unread"] == 0
    assert Api(alice).unread() == {}
    assert Message.objects.get().text == ""
    report.refresh_from_db()
    assert [each["text"] for each in report.snapshot] == ["böse"]
    assert (report.outcome, acts()) == ("removed", ["removed"])


def test_a_retry_of_a_removed_message_brings_it_not_back(moderator, alice, bob):
    client_id = "3f0c9b1e-6d5a-4a53-9d0e-5f2b7c1a9e44"
    sent = Api(bob).say("alice", "böse", client_id).json()["message"]
    Api(alice).post(f"messages/{sent['id']}/report/", reason="so nicht")
    services.remove_message(by=moderator, report=Report.objects.get())
    again = Api(bob).say("alice", "böse", client_id)
    assert (again.status_code, again.json()["message"]["state"]) == (200, "removed")
    assert Message.objects.count() == 1


def test_what_several_report_is_decided_once(moderator, alice, bob):
    carol = make_user("carol")
    befriend(bob, carol)
    for reporter in (alice, carol):
        Api(reporter).post("friends/bob/report/", reason="Kettenbriefe")
    services.warn(by=moderator, about=bob, report=Report.objects.first())
    assert not Report.objects.open().exists()
    assert Notice.objects.filter(kind="report_acted").count() == 2
    # A second act has no open report left to answer.
    services.mute(by=moderator, about=bob, hours="1", report=Report.objects.first())
    assert Notice.objects.filter(kind="report_acted").count() == 2
    assert set(Report.objects.values_list("outcome", flat=True)) == {"warned"}


def test_a_warning_waits_until_it_is_confirmed(moderator, alice, bob):
    head = EventLog.objects.head()
    services.warn(by=moderator, about=alice, words="Bitte freundlich bleiben.")
    [event] = told(alice, head)
    assert "Bitte freundlich bleiben." in event["text"]
    api = Api(alice)
    [waiting] = api.get("notices/").json()["notices"]
    assert (waiting["id"], waiting["text"]) == (event["notice_id"], event["text"])
    assert Api(bob).get("notices/").json()["notices"] == []
    path = f"notices/{waiting['id']}/confirm/"
    assert error_of(Api(bob).post(path)) == (404, "not_found")
    assert "Bitte freundlich bleiben." in api.client.get("/contacts/").content.decode()
    for _twice in range(2):
        assert api.post(path).status_code == 200
    assert api.get("notices/").json()["notices"] == []
    assert "Bitte freundlich bleiben." not in api.client.get("/contacts/").content.decode()
    assert told(alice, head) == []


# Muting


def test_a_muted_person_reads_and_does_not_send_until_it_ends(moderator, alice, bob):
    services.mute(by=moderator, about=bob, hours="24")
    bob.refresh_from_db()
    until = timezone.localtime(bob.muted_until)
    assert timedelta(hours=23) < until - timezone.now() <= timedelta(hours=24)
    say(alice, bob, "hallo")
    refused = Api(bob).say("alice", "hm")
    assert error_of(refused) == (403, "muted")
    assert f"{until:%Y-%m-%d %H:%M}" in refused.json()["error"]["message"]
    assert Api(bob).texts("alice") == ["hallo"]
    User.objects.filter(pk=bob.pk).update(muted_until=timezone.now())
    assert Api(bob).say("alice", "wieder da").status_code == 201


def test_a_mute_can_be_ended_early(moderator, alice, bob):
    services.mute(by=moderator, about=bob, hours="1")
    services.unmute(by=moderator, about=bob)
    assert Api(bob).say("alice", "danke").status_code == 201
    assert acts() == ["muted", "unmuted"]


def test_who_is_muted_still_learns_that_an_earlier_message_stands(moderator, alice, bob):
    client_id = "3f0c9b1e-6d5a-4a53-9d0e-5f2b7c1a9e44"
    assert Api(bob).say("alice", "vorher", client_id).status_code == 201
    services.mute(by=moderator, about=bob, hours="1")
    assert Api(bob).say("alice", "vorher", client_id).status_code == 200


# Banning


def test_a_banned_account_is_closed_at_once_and_its_friends_see_it(moderator, alice, bob):
    banned = Api(bob)
    assert banned.get("me/").status_code == 200
    head = EventLog.objects.head()
    services.ban(by=moderator, about=bob)
    assert error_of(banned.get("me/")) == (401, "not_authenticated")
    assert not bob.sessions.exists()
    with pytest.raises(ValidationError) as refused:
        banned.client.login(username="bob", password="blaue-Wolke-7")
    assert refused.value.code == "banned"
    assert not banned.client.login(username="bob", password="falsch")
    [event] = told(alice, head)
    assert (event["kind"], event["friend"]["username"]) == ("friend_changed", "bob")
    assert event["unavailable"] is True
    assert Api(alice).get("friends/").json()["friends"] == [
        {"username": "bob", "remark": "", "blocked": False, "avatar": None}
    ]
    assert error_of(Api(alice).say("bob", "bist du da")) == (403, "forbidden")
    page = Api(alice).client.get("/chat/bob/", headers={"accept-language": "en"}).content.decode()
    assert 'role="status">This account is not available at the moment.' in page

    head = EventLog.objects.head()
    services.unban(by=moderator, about=bob)
    [event] = told(alice, head)
    assert "unavailable" not in event
    assert Api(alice).say("bob", "willkommen").status_code == 201
    assert banned.client.login(username="bob", password="blaue-Wolke-7")
    assert acts() == ["banned", "unbanned"]


def test_signing_out_ends_every_session_and_not_the_account(moderator, alice):
    desktop, phone = Api(alice), Api(alice)
    services.sign_out(by=moderator, about=alice)
    for api in (desktop, phone):
        assert api.get("me/").status_code == 401
    assert desktop.client.login(username="alice", password="blaue-Wolke-7")
    assert acts() == ["signed_out"]


# Traces that stay


def test_a_report_outlives_the_accounts_that_it_speaks_of(moderator, report, alice, bob):
    bob.delete()
    report.refresh_from_db()
    assert report.about is None
    assert report.about_number
    assert [(each["text"], each["state"]) for each in report.snapshot] == [("", "deleted")]
    services.dismiss(by=moderator, report=report)
    [waiting] = Api(alice).get("notices/").json()["notices"]
    assert "bob" not in waiting["text"]
    alice.delete()
    report.refresh_from_db()
    assert report.reporter is None
    assert not Conversation.objects.exists()
    assert not Membership.objects.exists()


def test_a_message_that_went_with_its_account_cannot_be_removed(moderator, report, bob):
    bob.delete()
    with pytest.raises(ValidationError) as refused:
        services.remove_message(by=moderator, report=report)
    assert refused.value.code == "not_found"
    assert acts() == []


@pytest.mark.parametrize("write", ["update", "delete"])
def test_the_database_itself_refuses_to_change_what_is_written_down(moderator, alice, write):
    services.sign_out(by=moderator, about=alice)
    entries = AuditEntry.objects.all()
    with pytest.raises(IntegrityError, match="only added to"), transaction.atomic():
        if write == "update":
            entries.update(detail="nothing happened")
        else:
            entries.delete()
    assert acts() == ["signed_out"]


def test_the_audit_log_keeps_numbers_and_outlives_names(moderator, alice):
    services.sign_out(by=moderator, about=alice)
    [entry] = AuditEntry.objects.with_names()
    assert (entry.actor_name, entry.about_name) == ("moderator", "alice")
    number = alice.pk
    alice.delete()
    [entry] = AuditEntry.objects.with_names()
    assert (entry.actor_name, entry.about_name, entry.about_number) == ("moderator", None, number)


def test_who_joins_the_staff_meanwhile_is_out_of_a_moderator_s_reach(moderator, bob):
    User.objects.filter(pk=bob.pk).update(is_staff=True)  # not when the moderator looked
    for act in (services.ban, services.unban, services.sign_out, services.unmute, services.warn):
        with pytest.raises(PermissionDenied):
            act(by=moderator, about=bob)
    assert User.objects.get(pk=bob.pk).is_active


def test_a_moderator_does_not_see_by_whom_they_were_reported(moderator, alice, bob):
    befriend(moderator, alice)
    report, _is_new = services.report_person(
        reporter=alice, friendship=alice.friendships.get(friend=moderator), reason="böse"
    )
    with pytest.raises(PermissionDenied):
        services.look(by=moderator, report=report)
