"""The event log: the audience of events, and how pages resume from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


# Folding events into an old page gives the state of a fresh page.

NAMES = ("anna", "bert", "cleo")
PAIRS = [(a, b) for a in NAMES for b in NAMES if a != b]
ACTS = (
    "say",
    "say",
    "say",
    "read",
    "ask",
    "accept",
    "decline",
    "withdraw",
    "remove",
    "block",
    "unblock",
    "remark",
    "reunite",
)
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from(PAIRS), st.integers(0, 3)),
    min_size=1,
    max_size=25,
)


class Page:
    """The state of one person's open page."""

    def __init__(self, user: User) -> None:
        self.api = Api(user)
        listing = self.api.get("conversations/").json()
        requests = self.api.get("friends/requests/").json()
        self.cursor = listing["last_event"]
        self.chats = {c["with"]: c for c in listing["conversations"]}
        self.friends = {f["username"]: f for f in self.api.get("friends/").json()["friends"]}
        self.received = {r["id"]: r for r in requests["received"]}
        self.sent = {r["id"]: r for r in requests["sent"]}

    @property
    def state(self) -> tuple[Any, ...]:
        return self.chats, self.friends, self.received, self.sent

    def catch_up(self) -> None:
        answer = self.api.get("events/", after=self.cursor).json()
        for event in answer["events"]:
            assert event["id"] > self.cursor
            self.cursor = event["id"]
            getattr(self, "on_" + event["kind"])(event)
        self.cursor = answer["last_event"]

    def on_message(self, event: dict[str, Any]) -> None:
        message = event["message"]
        chat = self.chats.get(message["with"])
        if chat is not None:
            chat["last_message"] = message
            if message["sender"] == message["with"]:
                chat["unread"] = min(chat["unread"] + 1, 100)

    def on_read(self, event: dict[str, Any]) -> None:
        if event["with"] in self.chats:
            self.chats[event["with"]] |= {
                "unread": event["unread"],
                "last_read": event["last_read"],
            }

    def on_conversation_changed(self, event: dict[str, Any]) -> None:
        self.chats[event["conversation"]["with"]] = event["conversation"]

    def on_friend_added(self, event: dict[str, Any]) -> None:
        self.friends[event["friend"]["username"]] = event["friend"]

    def on_friend_changed(self, event: dict[str, Any]) -> None:
        self.on_friend_added(event)
        chat = self.chats.get(event["friend"]["username"])
        if chat is not None:
            chat["remark"] = event["friend"]["remark"]

    def on_friend_removed(self, event: dict[str, Any]) -> None:
        self.friends.pop(event["username"], None)
        self.chats.pop(event["username"], None)

    def on_friend_request(self, event: dict[str, Any]) -> None:
        requests = self.sent if event["direction"] == "sent" else self.received
        requests[event["request"]["id"]] = event["request"]

    def on_request_changed(self, event: dict[str, Any]) -> None:
        self.received.pop(event["request_id"], None)
        self.sent.pop(event["request_id"], None)


def act(apis: dict[str, Api], name: str, who: str, other: str, number: int) -> None:
    """Act as a client would; many acts are refused, which changes nothing."""
    api = apis[who]
    if name == "reunite":
        for step, left, right in [
            ("remove", who, other),
            ("ask", who, other),
            ("accept", other, who),
        ]:
            act(apis, step, left, right, number)
        return
    if name == "say":
        api.say(other, f"{number}")
    elif name == "read":
        newest = Message.objects.order_by("-id").values_list("id", flat=True).first() or 0
        api.post(f"conversations/{other}/read/", up_to=newest - number)
    elif name == "ask":
        api.post("friends/requests/", username=other)
    elif name in ("accept", "decline", "withdraw"):
        requests = api.get("friends/requests/").json()
        for request in requests["sent" if name == "withdraw" else "received"]:
            if request["username"] == other:
                api.post(f"friends/requests/{request['id']}/{name}/")
    else:
        api.post(
            f"friends/{other}/{name}/", **({"remark": f"r{number}"} if name == "remark" else {})
        )


@pytest.mark.django_db
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=STEPS, missed=st.lists(STEPS, min_size=1, max_size=3))
def test_folding_the_log_into_a_page_gives_a_fresh_page(before, missed, settings):
    settings.SEND_RATE = None
    User.objects.all().delete()
    users = {name: make_user(name) for name in NAMES}
    befriend(users["anna"], users["bert"])
    apis = {name: Api(user) for name, user in users.items()}
    for name, (who, other), number in before:
        act(apis, name, who, other, number)
    pages = [Page(user) for user in users.values()]
    for steps in missed:
        for name, (who, other), number in steps:
            act(apis, name, who, other, number)
        for page, user in zip(pages, users.values(), strict=True):
            page.catch_up()
            assert page.state == Page(user).state
