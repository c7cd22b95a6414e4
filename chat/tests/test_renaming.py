"""A friend is renamed: pages follow, and a message to the old name is sent once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.services import rename
from chat.models import Event, EventLog, Message
from friends import services as friends
from tests.cast import Api, befriend, error_of, say


def told(user: User, head: int) -> list[dict[str, Any]]:
    return Api(user).get("events/", after=head).json()["events"]


def test_friends_and_ones_own_pages_are_told_and_nobody_else(alice, bob, carol, mallory):
    befriend(bob, carol)
    head = EventLog.objects.head()
    rename(user=bob, username="Bobby")
    for friend in (alice, carol):
        changed, conversation = told(friend, head)
        assert changed["kind"] == "friend_changed"
        assert changed["old_username"] == "bob"
        assert changed["friend"]["username"] == "Bobby"
        assert conversation["conversation"]["with"] == "Bobby"
    [own] = told(bob, head)
    assert (own["kind"], own["username"]) == ("renamed", "Bobby")
    assert told(mallory, head) == []


def test_remark_history_and_unread_stay(alice, bob):
    friends.set_remark(friendship=alice.friendships.get(), remark="小波")
    say(bob, alice, "1")
    say(alice, bob, "2")
    rename(user=bob, username="bobby")
    api = Api(alice)
    [conversation] = api.get("conversations/").json()["conversations"]
    assert (conversation["with"], conversation["remark"]) == ("bobby", "小波")
    assert conversation["unread"] == 1
    assert api.texts("bobby") == ["1", "2"]
    senders = [m["sender"] for m in api.get("conversations/bobby/messages/").json()["messages"]]
    assert senders == ["bobby", "alice"]


def test_what_was_missed_before_the_new_name_is_counted_after_it(alice, bob):
    """A message is shown under the present name, which a page that was away does not know yet."""
    head = EventLog.objects.head()
    say(bob, alice, "1")
    rename(user=bob, username="bobby")
    message, changed, conversation = told(alice, head)
    assert message["message"]["with"] == "bobby"
    assert changed["old_username"] == "bob"
    assert conversation["conversation"]["unread"] == 1
    assert conversation["conversation"]["last_message"]["text"] == "1"


def test_a_message_sent_before_is_one_message_when_sent_again_to_the_old_name(alice, bob):
    api, client_id = Api(alice), uuid4()
    assert api.say("bob", "1", client_id).status_code == 201
    rename(user=bob, username="bobby")
    again = api.say("BOB", "1", client_id)
    assert again.status_code == 200
    assert again.json()["message"]["with"] == "bobby"
    assert api.say("bobby", "1", client_id).status_code == 200
    assert error_of(api.say("bob", "2", client_id)) == (409, "duplicate_id")
    assert Message.objects.count() == 1


def test_a_new_message_to_the_old_name_is_refused(alice, bob):
    rename(user=bob, username="bobby")
    assert error_of(Api(alice).say("bob", "1")) == (404, "not_found")
    assert not Message.objects.exists()


def test_an_ex_friend_learns_nothing_by_the_old_name(alice, bob):
    api, client_id = Api(alice), uuid4()
    api.say("bob", "1", client_id)
    rename(user=bob, username="bobby")
    assert api.client.get("/chat/bob/").status_code == 302
    friends.remove(friendship=alice.friendships.get())
    assert error_of(api.say("bob", "1", client_id)) == (404, "not_found")
    assert api.client.get("/chat/bob/").status_code == 404


def test_the_old_address_of_a_chat_leads_to_the_new_one(alice, bob, mallory):
    rename(user=bob, username="bobby")
    rename(user=bob, username="bobbie")
    client = Api(alice).client
    for old in ("bob", "bobby"):
        assert client.get(f"/chat/{old}/")["Location"] == "/chat/bobbie/"
    typed = {"text": "ohne Skript", "client_id": str(uuid4())}
    assert client.post("/chat/bob/", typed)["Location"] == "/chat/bobbie/"
    assert Message.objects.get().text == "ohne Skript"
    assert Api(mallory).client.get("/chat/bob/").status_code == 404


def test_nothing_names_who_is_deleted_after_it(alice, bob):
    rename(user=bob, username="bobby")
    assert Event.objects.filter(data__old_username="bob").exists()
    bob.delete()
    assert not Event.objects.filter(data__old_username="bob").exists()
    [event] = [e for e in told(alice, 0) if "bob" in str(e)]
    assert (event["kind"], event["username"]) == ("friend_removed", "bobby")


@pytest.mark.parametrize("path", ["conversations/bob/messages/", "conversations/bob/read/"])
def test_the_api_knows_the_new_name_only(alice, bob, path):
    rename(user=bob, username="bobby")
    api = Api(alice)
    ask = (lambda p: api.post(p, up_to=0)) if "read" in path else api.get
    assert error_of(ask(path)) == (404, "not_found")
    assert ask(path.replace("bob", "bobby")).status_code == 200
