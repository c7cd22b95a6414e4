"""The JSON API: the contract."""

from __future__ import annotations

import json
import re
import unicodedata
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat.log import reading
from chat.models import EventLog, Membership, Message
from friends import services
from tests.cast import Api, befriend, error_of, make_user, say

M_KEYS = {
    "id", "with", "sender", "text", "time", "sent_at", "client_id", "state", "attachment",
}  # fmt: skip


# Content


def test_me_tells_the_name_and_the_head_of_the_log(alice, bob):
    me = Api(alice).get("me/").json()
    head = EventLog.objects.head()
    assert me == {"username": "alice", "email": "", "avatar": None, "last_event": head}


def test_a_message_is_created_once_and_has_the_shape_of_the_contract(alice, bob):
    client_id = str(uuid4())
    answer = Api(alice).say("bob", "  你好\r\n吗 ", client_id)
    assert answer.status_code == 201
    message = answer.json()["message"]
    assert set(message) == M_KEYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", message["time"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", message["sent_at"])
    expected = {"with": "bob", "sender": "alice", "text": "你好\n吗", "client_id": client_id}
    assert message.items() >= (expected | {"state": "sent", "attachment": None}).items()

    [received] = Api(bob).get("conversations/alice/messages/").json()["messages"]
    assert received == message | {"with": "alice"}


def test_the_list_of_conversations_has_every_friend_the_newest_first(alice, bob):
    dora, emil = make_user("dora"), make_user("emil")
    befriend(alice, dora)
    befriend(alice, emil)
    say(alice, emil, "1")
    say(bob, alice, "2")
    answer = Api(alice).get("conversations/").json()
    assert answer["last_event"] == EventLog.objects.head()
    assert [c["with"] for c in answer["conversations"]] == ["bob", "emil", "dora"]
    assert [c["unread"] for c in answer["conversations"]] == [1, 0, 0]
    first, _second, last = answer["conversations"]
    assert set(first) == {
        "with", "remark", "avatar", "last_message", "unread", "last_read", "pinned", "muted",
    }  # fmt: skip
    assert set(first["last_message"]) == M_KEYS
    assert last["last_message"] is None


def test_history_comes_page_by_page_in_ascending_order_and_complete(alice, bob):
    ids = [say(alice, bob, str(number)).id for number in range(7)]
    path = "conversations/alice/messages/"
    found: list[int] = []
    before, more = 2**70, True
    while more:
        page = Api(bob).get(path, before=before, limit=3).json()
        found = [message["id"] for message in page["messages"]] + found
        before, more = found[0], page["more"]
    assert found == ids
    onwards = Api(bob).get(path, after=ids[2], limit=2).json()
    assert [m["id"] for m in onwards["messages"]] == ids[3:5]
    assert onwards["more"] is True
    assert Api(bob).get(path, after=ids[-1]).json()["messages"] == []


def test_a_page_has_at_most_100_messages(alice, bob, settings):
    settings.SEND_RATE = None
    for number in range(103):
        say(alice, bob, str(number))
    path = "conversations/alice/messages/"
    for limit, expected in [
        ({}, 50),
        ({"limit": 1}, 1),
        ({"limit": 100}, 100),
        ({"limit": 101}, 100),
    ]:
        assert len(Api(bob).get(path, **limit).json()["messages"]) == expected


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": -1}, {"limit": "x"}, {"before": "x"}, {"after": ""}]
)
def test_a_page_asked_for_with_nonsense_is_refused(alice, bob, query):
    answer = Api(alice).get("conversations/bob/messages/", **query)
    assert error_of(answer) == (400, "invalid")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid"),
        (" \n\t ", "invalid"),
        (None, "invalid"),
        (7, "invalid"),
        (["hi"], "invalid"),
        ("a\x00b", "invalid"),
        ("a\x1bb", "invalid"),
        ("a\x85b", "invalid"),
        ("a\ud800b", "invalid"),
        ("字" * 4001, "too_long"),
    ],
)
def test_a_text_that_cannot_be_is_refused_and_nothing_is_stored(alice, bob, text, code):
    answer = Api(alice).post("conversations/bob/messages/", text=text, client_id=str(uuid4()))
    assert error_of(answer) == (400, code)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "text", ["字" * 4000, "👩‍👩‍👧‍👦 family", "שלום مرحبا", "a\tb\nc", "𠮷野家", "e\u0301"]
)
def test_every_text_of_people_arrives_as_it_was(alice, bob, text):
    assert Api(alice).say("bob", text).status_code == 201
    assert Api(bob).texts("alice") == [unicodedata.normalize("NFC", text)]


@pytest.mark.parametrize(
    "client_id", [None, 7, "", "x", "{" + "0" * 34 + "}", "00000000-0000-4000-8000-0000000000000"]
)
def test_a_client_id_that_is_no_uuid_is_refused(alice, bob, client_id):
    answer = Api(alice).post("conversations/bob/messages/", text="hi", client_id=client_id)
    assert error_of(answer) == (400, "invalid")


@pytest.mark.parametrize("body", ["", "{", "[]", "[1]", '"x"', "7", "null", b"\xff", "[" * 20_000])
def test_a_body_that_is_no_object_is_refused(alice, bob, body):
    answer = Api(alice).send("conversations/bob/messages/", body)
    assert error_of(answer) == (400, "invalid")


def test_a_body_of_another_type_or_size_is_refused(alice, bob):
    path = "conversations/bob/messages/"
    form = Api(alice).client.post(f"/api/{path}", {"text": "hi"})
    assert error_of(form) == (415, "unsupported_type")
    large = json.dumps({"text": "x" * 32 * 1024})
    assert error_of(Api(alice).send(path, large)) == (413, "too_large")


@pytest.mark.parametrize("who", ["mallory", "nobody", "alice", "../evil", "..%2Fevil", "%00"])
def test_a_stranger_nobody_and_oneself_are_404_for_reading_and_sending_alike(alice, mallory, who):
    api = Api(alice)
    path = f"conversations/{who}/"
    assert error_of(api.get(path + "messages/")) == (404, "not_found")
    assert error_of(api.say(who, "hi")) == (404, "not_found")
    assert error_of(api.post(path + "read/", up_to=1)) == (404, "not_found")


def test_the_name_of_a_friend_may_be_written_in_any_case_or_width(alice, bob):
    assert Api(alice).say("ＢＯＢ", "hi").json()["message"]["with"] == "bob"


# Reading


def test_the_read_cursor_is_clamped_and_only_moves_forward(alice, bob):
    first, last = say(bob, alice, "1"), say(bob, alice, "2")
    read = lambda up_to: Api(alice).post("conversations/bob/read/", up_to=up_to)  # noqa: E731
    assert read(first.id).json()["last_read"] == first.id
    assert Api(alice).unread() == {"bob": 1}
    answer = read(2**80).json()
    assert answer["last_read"] == last.id
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", answer["last_read_time"])
    head = EventLog.objects.head()
    for lower in (first.id, 0, -5, -(2**80)):
        assert read(lower).status_code == 200
        assert read(lower).json() == answer
    assert EventLog.objects.head() == head
    assert Api(alice).unread() == {}


@pytest.mark.parametrize("up_to", [None, "x", 1.5, True, [], {}])
def test_a_read_cursor_that_is_no_number_is_refused(alice, bob, up_to):
    answer = Api(alice).post("conversations/bob/read/", up_to=up_to)
    assert error_of(answer) == (400, "invalid")


def test_nothing_read_yet_has_an_empty_time(alice, bob):
    answer = Api(alice).post("conversations/bob/read/", up_to=1)
    assert answer.json() == {"last_read": 0, "last_read_time": ""}


def test_unread_counts_stop_at_100(alice, bob, settings):
    settings.SEND_RATE = None
    for number in range(101):
        say(bob, alice, str(number))
    assert Api(alice).unread() == {"bob": 100}


# The log


def test_events_come_after_an_id_and_end_at_the_head(alice, bob):
    head = EventLog.objects.head()
    sent = say(bob, alice, "嗨")
    answer = Api(alice).get("events/", after=head).json()
    [event] = answer["events"]
    assert event["kind"] == "message"
    assert event["message"]["id"] == sent.id
    assert event["message"]["with"] == "bob"
    assert answer["last_event"] == event["id"] == EventLog.objects.head()
    assert Api(alice).get("events/").json() == {
        "events": [], "last_event": EventLog.objects.head(), "more": False,
    }  # fmt: skip


def test_an_id_beyond_what_the_log_knows_is_a_reset(alice, bob):
    head = EventLog.objects.head()
    assert Api(alice).get("events/", after=head).json()["events"] == []
    for after in (head + 1, 2**70, -1):
        assert Api(alice).get("events/", after=after).json() == {"reset": True}
    EventLog.objects.create(pk=1, pruned_through=head - 1)
    assert Api(alice).get("events/", after=head - 2).json() == {"reset": True}
    assert "events" in Api(alice).get("events/", after=head - 1).json()


@pytest.mark.parametrize("after", ["x", "", "1.5", "1e3", "9" * 5000])
def test_an_after_that_is_no_number_is_refused(alice, after):
    assert error_of(Api(alice).get("events/", after=after)) == (400, "invalid")


def test_a_long_absence_comes_in_batches(alice, bob, settings, monkeypatch):
    settings.SEND_RATE = None
    monkeypatch.setattr(reading, "BATCH", 3)
    after = EventLog.objects.head()
    ids = [say(bob, alice, str(number)).id for number in range(8)]
    found = []
    more = True
    while more:
        answer = Api(alice).get("events/", after=after).json()
        found += [event["message"]["id"] for event in answer["events"]]
        after, more = answer["last_event"], answer["more"]
    assert found == ids


# Lists make no query per row


@pytest.mark.parametrize(
    "path",
    ["/", "/contacts/", "/contacts/requests/", "/discover/", "/api/conversations/", "/api/friends/",
     "/api/friends/requests/", "/api/unread_counts/", "/api/events/?after=0"],
)  # fmt: skip
def test_the_number_of_queries_does_not_grow_with_the_rows(alice, bob, path):
    def grow(tag: str, number: int) -> None:
        for index in range(number):
            friend, asker = make_user(f"{tag}{index}"), make_user(f"ask{tag}{index}")
            befriend(alice, friend)
            say(friend, alice, "嗨")
            services.ask(sender=asker, username="alice")

    def count() -> int:
        client = Api(alice).client
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    grow("x", 2)
    few = count()
    grow("y", 12)
    assert count() == few


# Deployed together


def test_migrations_are_complete(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_member_row_belongs_to_a_pair(alice, bob):
    assert Membership.objects.count() == 2
    assert User.objects.count() == 2


def test_chats_without_a_message_stand_by_the_newest_friendship(alice, bob):
    for name in ("zoe", "ann"):
        befriend(alice, make_user(name))
    api = Api(alice)
    names = [each["with"] for each in api.get("conversations/").json()["conversations"]]
    assert names == ["ann", "zoe", "bob"]
    api.say("zoe", "hi")
    names = [each["with"] for each in api.get("conversations/").json()["conversations"]]
    assert names == ["zoe", "ann", "bob"]
