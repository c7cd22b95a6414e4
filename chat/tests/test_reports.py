"""Reports of a message or a person: once each, with all that the moderators need to see."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from chat.models import Conversation, Event, Membership, Message, Report
from friends import services as friends
from friends.tests.test_races import at_once
from tests.cast import Api, befriend, error_of, make_user, say


def report(user, message, reason="beleidigend"):
    return Api(user).post(f"messages/{message.id}/report/", reason=reason)


def texts(report):
    return [each["text"] for each in report.snapshot]


# In the API


def test_a_report_of_a_message_keeps_it_and_five_around_it(alice, bob, settings):
    settings.SEND_RATE = None
    messages = [say((alice, bob)[n % 2], (bob, alice)[n % 2], f"{n}") for n in range(20)]
    answer = report(alice, messages[9])
    assert answer.status_code == 201
    kept = Report.objects.get()
    assert answer.json() == {"report": {"id": kept.pk, "state": "open"}}
    assert (kept.reporter, kept.about, kept.reason) == (alice, bob, "beleidigend")
    assert kept.message_number == messages[9].id
    assert texts(kept) == ["6", "7", "8", "9", "10", "11"]
    assert kept.snapshot[3] == {
        "id": messages[9].id, "sender": "bob", "sender_number": bob.pk, "text": "9",
        "sent_at": messages[9].sent_at.isoformat(), "state": "sent",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "number", "around"),
    [
        (20, 1, ["0", "1", "2", "3", "4", "5"]),
        (20, 19, ["14", "15", "16", "17", "18", "19"]),
        (19, 17, ["13", "14", "15", "16", "17", "18"]),
    ],
)
def test_at_the_ends_of_a_chat_the_five_come_from_the_other_side(
    alice, bob, settings, sent, number, around
):
    settings.SEND_RATE = None
    messages = [say((alice, bob)[n % 2], (bob, alice)[n % 2], f"{n}") for n in range(sent)]
    report(alice, messages[number])
    assert texts(Report.objects.get()) == around


def test_nothing_of_another_chat_is_kept(alice, bob):
    carol = make_user("carol")
    befriend(alice, carol)
    say(carol, alice, "anders")
    message = say(bob, alice, "böse")
    say(carol, alice, "auch anders")
    report(alice, message)
    assert texts(Report.objects.get()) == ["böse"]


def test_neither_recall_nor_deletion_hides_what_was_reported(alice, bob):
    message = say(bob, alice, "böse")
    report(alice, message)
    Message.objects.update(text="", recalled_at=timezone.now())
    Conversation.objects.all().delete()
    assert texts(Report.objects.get()) == ["böse"]


def test_what_the_reporter_has_hidden_is_not_shown_to_the_moderator_either(alice, bob):
    hidden = say(bob, alice, "alt")
    Membership.objects.filter(user=alice).update(hidden_through=hidden.id)
    message = say(bob, alice, "neu")
    assert error_of(report(alice, hidden)) == (404, "not_found")
    report(alice, message)
    assert texts(Report.objects.get()) == ["neu"]


def test_the_same_again_is_the_same_report(alice, bob):
    message = say(bob, alice, "böse")
    first = report(alice, message)
    again = report(alice, message, "wirklich böse")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    person = Api(alice).post("friends/bob/report/", reason="Kettenbriefe")
    person_again = Api(alice).post("friends/BOB/report/", reason="immer noch")
    assert (person.status_code, person_again.status_code) == (201, 200)
    assert person.json() == person_again.json() != first.json()
    assert Report.objects.count() == 2
    assert Report.objects.first().reason == "Kettenbriefe"


def test_after_the_decision_a_message_stays_reported_and_a_person_can_be_again(alice, bob):
    message = say(bob, alice, "böse")
    report(alice, message)
    Api(alice).post("friends/bob/report/", reason="Kettenbriefe")
    Report.objects.update(closed_at=timezone.now(), outcome="dismissed")
    again = report(alice, message)
    assert (again.status_code, again.json()["report"]["state"]) == (200, "closed")
    assert Api(alice).post("friends/bob/report/", reason="wieder").status_code == 201


def test_both_may_report_the_other(alice, bob):
    report(alice, say(bob, alice, "böse"))
    report(bob, say(alice, bob, "selber"))
    assert list(Report.objects.order_by("id").values_list("about__username", flat=True)) == [
        "bob", "alice",
    ]  # fmt: skip


def test_the_reported_is_not_told(alice, bob):
    message = say(bob, alice, "böse")
    told = Event.objects.count()
    report(alice, message)
    assert Event.objects.count() == told


def test_one_does_not_report_oneself(alice, bob):
    assert error_of(report(alice, say(alice, bob, "ich"))) == (400, "self")
    assert not Report.objects.exists()


@pytest.mark.parametrize("who", ["carol", "mallory"])
def test_what_is_not_of_ones_own_chats_cannot_be_reported(alice, bob, who):
    outsider = make_user(who)
    message = say(bob, alice, "böse")
    assert report(alice, message).status_code == 201
    assert error_of(report(outsider, message)) == (404, "not_found")
    path = "friends/bob/report/"
    assert error_of(Api(outsider).post(path, reason="x")) == (404, "not_found")


def test_an_ex_friend_is_out_of_reach_and_so_are_their_messages(alice, bob):
    message = say(bob, alice, "böse")
    friends.remove(friendship=alice.friendships.get())
    assert error_of(report(alice, message)) == (404, "not_found")
    path = "friends/bob/report/"
    assert error_of(Api(alice).post(path, reason="x")) == (404, "not_found")


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "invalid"), (" \n", "invalid"), ("x" * 501, "too_long"), ("\x1b", "invalid"),
     (7, "invalid"), (None, "invalid")],
)  # fmt: skip
def test_a_report_needs_a_reason(alice, bob, reason, code):
    message = say(bob, alice, "böse")
    assert error_of(report(alice, message, reason)) == (400, code)
    path = "friends/bob/report/"
    assert error_of(Api(alice).post(path, reason=reason)) == (400, code)
    assert not Report.objects.exists()
    assert report(alice, message, "x" * 500).status_code == 201


def test_twenty_a_day_and_no_more_until_they_are_a_day_old(alice, bob, settings):
    settings.SEND_RATE = None
    messages = [say(bob, alice, f"{number}") for number in range(21)]
    for message in messages[:20]:
        assert report(alice, message).status_code == 201
    refused = report(alice, messages[20])
    assert error_of(refused) == (429, "rate_limited")
    assert 0 < int(refused["Retry-After"]) <= 24 * 3600
    # A repeated report does not count, and other people have twenty of their own.
    assert report(alice, messages[0]).status_code == 200
    assert report(bob, say(alice, bob, "selber")).status_code == 201
    first = Report.objects.filter(reporter=alice).last()
    Report.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=1))
    assert report(alice, messages[20]).status_code == 201


def test_the_one_constraint_that_makes_a_report_one_is_the_databases(alice, bob):
    message = say(bob, alice, "böse")
    report(alice, message)
    twin = Report.objects.get()
    twin.pk = None
    with pytest.raises(Exception, match="UNIQUE"):
        twin.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_make_one_report(alice, bob):
    message = say(bob, alice, "böse")
    tabs = [Api(alice), Api(alice), Api(alice)]
    for path in (f"messages/{message.id}/report/", "friends/bob/report/"):
        acts = [partial(tab.post, path, reason="x") for tab in tabs]
        assert sorted(at_once(*acts)) == [200, 200, 201]
    assert Report.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twenty_a_day_are_twenty_also_at_once(alice, bob, settings):
    settings.SEND_RATE = None
    messages = [say(bob, alice, f"{number}") for number in range(22)]
    for message in messages[:18]:
        report(alice, message)
    acts = [
        partial(Api(alice).post, f"messages/{message.id}/report/", reason="x")
        for message in messages[18:]
    ]
    assert sorted(at_once(*acts)) == [201, 201, 429, 429]


# On the page


def page_of(user):
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def test_the_page_offers_what_the_other_has_written(alice, bob):
    said = say(bob, alice, "böse")
    say(alice, bob, "meins")
    gone = say(bob, alice, "zurückgenommen")
    Message.objects.filter(pk=gone.id).update(recalled_at=timezone.now())
    client = page_of(alice)
    assert b"/chat/bob/report/" in client.get("/contacts/bob/").content
    page = client.get("/chat/bob/report/", {"message": said.id})
    assert [message.id for message in page.context["offered"]] == [said.id]
    assert f'value="{said.id}" checked' in page.content.decode()


def test_a_message_further_back_is_offered_when_it_is_asked_for(alice, bob, settings):
    settings.SEND_RATE = None
    messages = [say(bob, alice, f"{number}") for number in range(22)]
    client = page_of(alice)
    page = client.get("/chat/bob/report/", {"message": messages[0].id})
    assert [message.text for message in page.context["offered"]][:2] == ["0", "21"]
    for nonsense in ("x", "-1", "9" * 30, str(say(alice, bob, "meins").id)):
        page = client.get("/chat/bob/report/", {"message": nonsense})
        assert len(page.context["offered"]) == 20


@pytest.mark.parametrize("is_message", [True, False])
def test_a_plain_form_reports(alice, bob, is_message):
    message = say(bob, alice, "böse")
    client = page_of(alice)
    typed = {"message": message.id if is_message else "", "reason": "so nicht"}
    for _twice in range(2):
        assert client.post("/chat/bob/report/", typed)["Location"] == "/contacts/bob/"
    assert Report.objects.get().message_number == (message.id if is_message else None)
    assert "A moderator will look" in client.get("/contacts/bob/").content.decode()


def test_a_form_without_a_reason_comes_back_with_what_was_chosen(alice, bob):
    message = say(bob, alice, "böse")
    answer = page_of(alice).post("/chat/bob/report/", {"message": message.id, "reason": " "})
    assert answer.status_code == 422
    assert "Please say what is wrong." in answer.content.decode()
    assert f'value="{message.id}" checked' in answer.content.decode()
    assert not Report.objects.exists()


def test_the_page_reports_nothing_of_another_chat(alice, bob):
    carol = make_user("carol")
    befriend(alice, carol)
    message = say(carol, alice, "anders")
    client = page_of(alice)
    typed = {"message": message.id, "reason": "x"}
    assert client.post("/chat/bob/report/", typed).status_code == 404
    assert client.post("/chat/carol/report/", typed).status_code == 302


@pytest.mark.parametrize(("query", "page"), [("?message=", "/chat/bob/"), ("", "/contacts/bob/")])
def test_a_report_leads_back_to_where_one_came_from(alice, bob, query, page):
    query += str(say(bob, alice, "Du Esel").id) if query else ""
    client, path = Api(alice).client, f"/chat/bob/report/{query}"
    assert f'href="{page}"' in client.get(path).text
    answer = client.post(path, {"reason": " "})
    assert answer.status_code == 422
    assert f'action="{path}"' in answer.text
    assert client.post(path, {"reason": "beleidigend"}).url == page
