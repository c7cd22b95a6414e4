"""Recall, quote, delete for oneself; pin, mute, hide, mark unread."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Membership, Message
from friends.services import block, set_remark
from tests.cast import Api, befriend, error_of, make_user, say


def events_of(user, after):
    return Api(user).get("events/", after=after).json()["events"]


def head(user):
    return Api(user).get("me/").json()["last_event"]


def quote(user, to, text, message_id, client_id=None):
    path = f"conversations/{to}/messages/"
    return Api(user).post(path, text=text, client_id=str(client_id or uuid4()), quote=message_id)


# Recall


def test_a_recalled_message_loses_its_text_everywhere_and_counts_no_more(alice, bob):
    message = say(alice, bob, "an alle das Geheimnis")
    after = head(bob)
    answer = Api(alice).post(f"messages/{message.id}/recall/")
    assert answer.status_code == 200
    assert answer.json()["message"]["state"] == "recalled"
    assert Message.objects.get(pk=message.id).text == ""
    for reader, friend in [(alice, "bob"), (bob, "alice")]:
        [shown] = Api(reader).get(f"conversations/{friend}/messages/").json()["messages"]
        assert (shown["state"], shown["text"]) == ("recalled", None)
        told = {event["kind"]: event for event in events_of(reader, after)}
        assert told["message_changed"]["message"] == shown
        assert told["conversation_changed"]["conversation"]["last_message"] == shown
    assert Api(bob).unread() == {}


def test_a_second_recall_changes_nothing_and_a_retry_of_the_send_tells_the_truth(alice, bob):
    client_id = uuid4()
    message = Api(alice).say("bob", "zu früh", client_id).json()["message"]
    path = f"messages/{message['id']}/recall/"
    assert Api(alice).post(path).status_code == 200
    after = head(alice)
    assert Api(alice).post(path).json()["message"]["state"] == "recalled"
    assert events_of(alice, after) == []
    again = Api(alice).say("bob", "zu früh", client_id)
    assert (again.status_code, again.json()["message"]["state"]) == (200, "recalled")


def test_only_the_sender_recalls_and_only_for_two_minutes(alice, bob, mallory):
    message = say(alice, bob, "bleibt")
    path = f"messages/{message.id}/recall/"
    assert error_of(Api(bob).post(path)) == (403, "forbidden")
    assert error_of(Api(mallory).post(path)) == (404, "not_found")
    assert error_of(Api().post(path)) == (401, "not_authenticated")
    with time_machine.travel(timezone.now() + timedelta(seconds=121), tick=False):
        assert error_of(Api(alice).post(path)) == (403, "forbidden")
    with time_machine.travel(timezone.now() + timedelta(seconds=100), tick=False):
        assert Api(alice).post(path).status_code == 200
    other = say(alice, bob, "gehört zum Ende")
    Api(alice).post("friends/bob/remove/")
    assert error_of(Api(alice).post(f"messages/{other.id}/recall/")) == (404, "not_found")


def test_what_was_removed_by_a_moderator_stays_removed(alice, bob):
    message = say(alice, bob, "Beweis")
    Message.objects.filter(pk=message.id).update(removed_at=timezone.now())
    answer = Api(alice).post(f"messages/{message.id}/recall/").json()
    assert answer["message"]["state"] == "removed"


# Quote


def test_a_quote_shows_what_it_answers_as_it_is_now(alice, bob):
    question = say(alice, bob, "下午开会吗" + "？" * 200)
    answer = quote(bob, "alice", "开", question.id).json()["message"]
    assert answer["quote"]["id"] == question.id
    assert answer["quote"]["sender"] == "alice"
    assert answer["quote"]["text"] == question.text[:100]
    assert answer["quote"]["state"] == "sent"
    [*_rest, seen] = Api(alice).get("conversations/bob/messages/").json()["messages"]
    assert seen["quote"] == answer["quote"]
    assert events_of(alice, 0)[-1]["message"]["quote"] == answer["quote"]

    assert Api(alice).post(f"messages/{question.id}/recall/").status_code == 200
    [*_rest, seen] = Api(bob).get("conversations/alice/messages/").json()["messages"]
    assert (seen["quote"]["text"], seen["quote"]["state"]) == (None, "recalled")


def test_a_quote_of_another_conversation_or_of_nothing_is_refused(alice, bob, mallory):
    dora = make_user("dora")
    befriend(dora, mallory)
    secret = say(dora, mallory, "nur für mallory")
    for pk in (secret.id, 10**9, -1, 2**70):
        assert error_of(quote(alice, "bob", "was stand da?", pk)) == (400, "invalid")
    for junk in ("x", [1], {"id": 1}, True):
        assert error_of(quote(alice, "bob", "was?", junk)) == (400, "invalid")
    assert not Message.objects.filter(sender=alice).exists()


def test_a_retry_with_another_quote_is_another_message(alice, bob):
    first, second = say(alice, bob, "eins"), say(alice, bob, "zwei")
    client_id = uuid4()
    assert quote(bob, "alice", "ja", first.id, client_id).status_code == 201
    assert quote(bob, "alice", "ja", first.id, client_id).status_code == 200
    assert error_of(quote(bob, "alice", "ja", second.id, client_id)) == (409, "duplicate_id")
    assert error_of(quote(bob, "alice", "ja", None, client_id)) == (409, "duplicate_id")


# Delete for oneself


def test_a_message_deleted_for_oneself_is_gone_for_one_and_stays_for_the_other(alice, bob):
    say(alice, bob, "eins")
    message = say(alice, bob, "zwei")
    after = head(bob)
    path = f"messages/{message.id}/hide/"
    assert Api(bob).post(path).json() == {}
    assert Api(bob).texts("alice") == ["eins"]
    assert Api(alice).texts("bob") == ["eins", "zwei"]
    assert Api(bob).unread() == {"alice": 1}
    [hidden, changed] = events_of(bob, after)
    assert (hidden["kind"], hidden["with"], hidden["message_id"]) == (
        "message_hidden", "alice", message.id,
    )  # fmt: skip
    assert changed["conversation"]["last_message"]["text"] == "eins"
    assert events_of(alice, after) == []
    # A page from before it was sent no longer hears of it.
    assert "zwei" not in str(events_of(bob, 0))
    after = head(bob)
    assert Api(bob).post(path).status_code == 404  # it does not exist for him
    assert events_of(bob, after) == []


def hide_all(user, friend, ids):
    return Api(user).post(f"conversations/{friend}/messages/hide/", ids=ids)


def test_several_messages_are_deleted_for_oneself_in_one_step(alice, bob):
    kept, *gone = [say(alice, bob, words) for words in ("null", "eins", "zwei", "drei")]
    Api(alice).post(f"messages/{gone[0].id}/recall/")
    after = head(bob)
    ids = [message.id for message in gone]
    assert hide_all(bob, "alice", [*reversed(ids), ids[0]]).json() == {"hidden": ids}
    assert Api(bob).texts("alice") == ["null"]
    assert len(Api(alice).texts("bob")) == 4
    *hidden, changed = events_of(bob, after)
    assert [(event["kind"], event["message_id"]) for event in hidden] == [
        ("message_hidden", pk) for pk in ids
    ]
    assert changed["conversation"]["last_message"]["id"] == kept.id
    assert changed["conversation"]["unread"] == 1
    # Again, they are not there any more, and nobody is told anything.
    after = head(bob)
    assert hide_all(bob, "alice", ids).json() == {"hidden": []}
    assert events_of(bob, after) == []


def test_only_messages_of_that_chat_are_deleted_with_others(alice, bob, mallory):
    dora = make_user("dora")
    befriend(dora, alice)
    befriend(dora, mallory)
    here, elsewhere, foreign = (
        say(alice, bob, "x"),
        say(dora, alice, "y"),
        say(dora, mallory, "nur für mallory"),
    )
    ids = [here.id, elsewhere.id, foreign.id, 999_999, -1, 2**70]
    assert hide_all(alice, "bob", ids).json() == {"hidden": [here.id]}
    assert Api(alice).texts("dora") == ["y"]
    assert Api(mallory).texts("dora") == ["nur für mallory"]
    assert error_of(hide_all(mallory, "bob", [here.id])) == (404, "not_found")
    assert Api(bob).texts("alice") == ["x"]


@pytest.mark.parametrize("ids", [None, "1", 1, {"1": 1}, [1.5], ["1"], [True], [[1]]])
def test_what_is_no_list_of_ids_deletes_nothing(alice, bob, ids):
    assert say(alice, bob, "x").id == 1
    assert error_of(hide_all(alice, "bob", ids)) == (400, "invalid")
    assert Api(alice).texts("bob") == ["x"]
    assert hide_all(alice, "bob", []).json() == {"hidden": []}


def test_a_hundred_are_deleted_with_the_queries_of_two(alice, bob, settings):
    settings.SEND_RATE = None
    ids = [say(alice, bob, f"{number}").id for number in range(101)]
    assert error_of(hide_all(alice, "bob", ids)) == (400, "invalid")
    with CaptureQueriesContext(connection) as two:
        assert hide_all(alice, "bob", ids[:2]).json() == {"hidden": ids[:2]}
    with CaptureQueriesContext(connection) as hundred:
        assert hide_all(alice, "bob", ids[1:]).json() == {"hidden": ids[2:]}
    assert len(hundred) <= len(two) + 4  # SQLite takes so many values in a statement
    assert Api(alice).texts("bob") == []


def test_nobody_hides_what_is_not_theirs_to_see(alice, bob, mallory):
    message = say(alice, bob, "x")
    assert error_of(Api(mallory).post(f"messages/{message.id}/hide/")) == (404, "not_found")
    assert error_of(Api(alice).post("messages/999999/hide/")) == (404, "not_found")


# The chat as a whole


def chat(user, friend):
    chats = Api(user).get("conversations/").json()["conversations"]
    return next(each for each in chats if each["with"] == friend)


@pytest.mark.parametrize(
    ("how", "field"),
    [("pin", "pinned"), ("mute", "muted"), ("unread", "marked_unread"), ("hide", "hidden")],
)
def test_a_chat_is_arranged_for_oneself_and_told_to_the_own_tabs(alice, bob, how, field):
    say(bob, alice, "hallo")
    after = head(alice)
    path = f"conversations/bob/{how}/"
    answer = Api(alice).post(path, on=True).json()["conversation"]
    assert answer[field] is True
    assert chat(alice, "bob") == answer
    assert events_of(alice, after)[-1]["conversation"] == answer
    assert events_of(bob, after) == []
    assert not chat(bob, "alice").get(field)
    back = Api(alice).post(path, on=False).json()["conversation"]
    assert not back.get(field)


@pytest.mark.parametrize("how", ["pin", "mute", "unread", "hide"])
def test_arranging_wants_a_friend_and_a_true_or_false(alice, bob, mallory, how):
    path = f"conversations/bob/{how}/"
    for junk in ({}, {"on": 1}, {"on": "true"}, {"on": None}):
        assert error_of(Api(alice).post(path, **junk)) == (400, "invalid")
    assert error_of(Api(mallory).post(path, on=True)) == (404, "not_found")
    assert error_of(Api(alice).get(path)) == (405, "method_not_allowed")


def test_a_chat_put_away_comes_back_with_the_next_message_and_nothing_before(alice, bob):
    say(bob, alice, "alt")
    Api(alice).post("conversations/bob/hide/", on=True)
    assert chat(alice, "bob")["last_message"] is None
    assert Api(alice).unread() == {}
    assert Api(bob).texts("alice") == ["alt"]
    say(bob, alice, "neu")
    assert not chat(alice, "bob").get("hidden")
    assert Api(alice).texts("bob") == ["neu"]
    assert Api(alice).unread() == {"bob": 1}


def test_an_empty_chat_can_be_put_away_too(alice, bob):
    assert Api(alice).post("conversations/bob/hide/", on=True).json()["conversation"]["hidden"]


def test_reading_takes_the_mark_of_unread_away(alice, bob):
    message = say(bob, alice, "hallo")
    Api(alice).post("conversations/bob/read/", up_to=message.id)
    Api(alice).post("conversations/bob/unread/", on=True)
    assert chat(alice, "bob")["unread"] == 0
    Api(alice).post("conversations/bob/read/", up_to=message.id)
    assert not chat(alice, "bob").get("marked_unread")
    assert not Membership.objects.filter(marked_unread=True).exists()


def test_a_blocked_friend_may_still_recall(alice, bob):
    message = say(alice, bob, "ups")
    block(owner=bob, target=alice)
    assert Api(alice).post(f"messages/{message.id}/recall/").status_code == 200


# The page of a friend, where a chat is arranged without scripts


def arranged(user):
    membership = Membership.objects.get(user=user)
    return membership.pinned, membership.muted


def test_the_page_of_a_friend_pins_and_mutes_and_leads_to_the_search(alice, bob):
    client, after = Api(alice).client, head(alice)
    page = client.get("/contacts/bob/").content.decode()
    assert 'href="/search/?with=bob"' in page
    answer = client.post("/chat/BOB/arrange/", {"pinned": "on"})
    assert answer["Location"] == "/contacts/bob/"
    assert arranged(alice) == (True, False)
    assert arranged(bob) == (False, False)
    assert len(events_of(alice, after)) == 1
    page = client.get("/contacts/bob/").content.decode()
    assert 'name="pinned" id="id_pinned" checked' in page
    client.post("/chat/bob/arrange/", {"muted": "on"})
    assert arranged(alice) == (False, True)


def hidden(page):
    return dict(re.findall(r'name="(initial-\w+)" value="(\w+)"', page))


def test_a_page_from_before_undoes_nothing_that_another_tab_has_set(alice, bob):
    """Only what its reader has moved is set, whichever way the rest was moved elsewhere."""
    client = Api(alice).client
    shown = hidden(client.get("/contacts/bob/").content.decode())
    assert shown == {"initial-pinned": "False", "initial-muted": "False"}
    Api(alice).post("conversations/bob/mute/", on=True)
    client.post("/chat/bob/arrange/", shown | {"pinned": "on"})
    assert arranged(alice) == (True, True)
    shown = hidden(client.get("/contacts/bob/").content.decode())
    assert shown == {"initial-pinned": "True", "initial-muted": "True"}
    Api(alice).post("conversations/bob/mute/", on=False)
    client.post("/chat/bob/arrange/", shown | {"muted": "on"})  # unpinned
    assert arranged(alice) == (False, False)


@pytest.mark.parametrize("junk", ["", "x", "\x00", "True" * 1000])
def test_whatever_a_page_says_it_showed_there_is_an_answer(alice, bob, junk):
    shown = {"initial-pinned": junk, "initial-muted": junk, "initial-x": junk}
    answer = Api(alice).client.post("/chat/bob/arrange/", shown | {"pinned": "on"})
    assert answer.status_code == 302


def test_to_save_what_is_so_already_tells_nobody(alice, bob):
    client, after = Api(alice).client, head(alice)
    client.post("/chat/bob/arrange/", {})
    assert events_of(alice, after) == []


def test_the_avatars_in_a_chat_lead_to_their_owners(alice, bob):
    say(alice, bob, "1")
    say(bob, alice, "2")
    page = Api(alice).client.get("/chat/bob/").content.decode()
    links = re.findall(r'class="avatar-link" href="([^"]*)"', page)
    # Those of the two messages, and of the templates for others.
    assert links == ["/me/", "/contacts/bob/"] * 2


def test_pages_call_the_sender_by_the_remark(alice, bob):
    recalled = say(bob, alice, "Falsch")
    quote(alice, "bob", "Gut", say(bob, alice, "Richtig").id)
    Message.objects.get(pk=recalled.id).recall()
    set_remark(friendship=alice.friendships.get(), remark="小波")
    page = Api(alice).client.get("/chat/bob/", headers={"Accept-Language": "en"}).text
    assert "“小波” recalled a message" in page
    assert ">小波</bdi>: Richtig" in page
