"""The event log: the audience of events, and how pages resume from it."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from accounts.models import RetiredUsername, User
from chat.models import Announcement, Conversation, Event, EventLog, Membership, Message
from chat.notices.services import announce
from friends.models import FriendRequest, Friendship
from tests.cast import Api, befriend, make_user, say


def told(user: User, head: int) -> list[dict[str, Any]]:
    return Api(user).get("events/", after=head).json()["events"]


def test_a_message_is_told_to_the_two_and_to_nobody_else(alice, bob, carol, mallory):
    head = EventLog.objects.head()
    say(alice, bob, "嗨")
    [mine], [theirs] = told(alice, head), told(bob, head)
    assert mine["id"] == theirs["id"]
    assert (mine["message"]["with"], theirs["message"]["with"]) == ("bob", "alice")
    assert told(carol, head) == told(mallory, head) == []


def test_reading_is_told_to_the_own_tabs_only(alice, bob):
    message = say(bob, alice, "嗨")
    head = EventLog.objects.head()
    Api(alice).post("conversations/bob/read/", up_to=message.id)
    [event] = told(alice, head)
    assert event == {
        "id": EventLog.objects.head(), "kind": "read", "with": "bob", "last_read": message.id,
        "unread": 0,
    }  # fmt: skip
    assert told(bob, head) == []


def test_what_is_told_late_is_told_as_it_is_now(alice, bob):
    head = EventLog.objects.head()
    say(bob, alice, "geheim")
    Message.objects.update(text="", recalled_at=timezone.now())
    [event] = told(alice, head)
    assert (event["message"]["text"], event["message"]["state"]) == (None, "recalled")


def test_what_is_no_longer_theirs_to_see_is_not_told(alice, bob):
    head = EventLog.objects.head()
    say(bob, alice, "嗨")
    Api(alice).post("friends/bob/remove/")
    assert [e["kind"] for e in told(alice, head)] == ["friend_removed"]
    befriend(alice, bob)
    assert "message" in [e["kind"] for e in told(alice, head)]


def test_an_announcement_is_told_to_everyone(alice, bob, mallory):
    head = EventLog.objects.head()
    announcement = Announcement(text="维护")
    announce(by=mallory, announcement=announcement)
    told_as = {"id": EventLog.objects.head(), "kind": "announcement", "text": "维护"}
    for user in (alice, bob, mallory):
        assert told(user, head) == [told_as | {"announcement_id": announcement.pk}]


def test_a_deleted_account_leaves_nothing_but_the_notice_to_its_friends(alice, bob, mallory):
    dora = make_user("dora")
    befriend(bob, dora)
    say(alice, bob, "1")
    say(bob, dora, "2")
    Api(bob).post("friends/requests/", username="mallory")
    Api(mallory).post("friends/requests/", username="alice")
    head = EventLog.objects.head()
    bob.delete()

    for user in (alice, dora):
        [event] = told(user, head)
        assert (event["kind"], event["username"]) == ("friend_removed", "bob")
        assert event["reason"] == "deleted"
        assert Api(user).get("conversations/").json()["conversations"] == []
    assert [e["kind"] for e in told(mallory, head)] == ["request_changed"]
    assert Api(mallory).get("friends/requests/").json()["received"] == []
    for model in (Conversation, Membership, Message, Friendship):
        assert not model.objects.exists()
    assert FriendRequest.objects.count() == 1
    left = [e for e in Event.objects.all() if "bob" in json.dumps(e.data)]
    assert {e.kind for e in left} == {"friend_removed"}
    assert RetiredUsername.objects.holds("bob")
    assert EventLog.objects.head() > head


def test_the_head_never_goes_down_when_the_newest_events_fall_with_an_account(alice, mallory):
    Api(mallory).post("friends/requests/", username="alice")
    waiting = FriendRequest.objects.get()
    Api(mallory).post(f"friends/requests/{waiting.pk}/withdraw/")
    Event.objects.filter(user=alice).delete()
    head = EventLog.objects.head()
    assert Event.objects.latest("id").user == mallory
    mallory.delete()
    assert not Event.objects.exists()
    assert EventLog.objects.head() >= head
    assert Api(alice).get("events/", after=head).json().get("events") == []


def test_pruning_sends_old_readers_to_a_fresh_page(alice, bob):
    old = EventLog.objects.head()
    say(bob, alice, "嗨")
    EventLog.objects.update_or_create(pk=1, defaults={"pruned_through": EventLog.objects.head()})
    Event.objects.all().delete()
    assert Api(alice).get("events/", after=old).json() == {"reset": True}
    assert Api(alice).get("me/").json()["last_event"] > old
