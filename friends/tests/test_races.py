"""Two people, or one in two tabs, do things at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from accounts.models import User
from chat.models import Conversation, Membership, Message
from friends import access, services
from friends.models import Block, FriendRequest, Friendship
from tests.cast import Api, error_of

Act = Callable[[], Any]


def at_once(*acts: Act) -> list[int]:
    """Do all at the same moment, each in a thread of its own; return the statuses in order."""
    barrier = Barrier(len(acts))

    def go(act: Act) -> int:
        try:
            barrier.wait()
            return act().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(go, acts))


def is_whole() -> bool:
    """Return whether friendships are mirrored, and nobody waits for the answer of a friend."""
    pairs = set(Friendship.objects.values_list("owner", "friend"))
    waiting = set(FriendRequest.objects.values_list("sender", "recipient"))
    mirrored = pairs == {(friend, owner) for owner, friend in pairs}
    return mirrored and not pairs & waiting and Conversation.objects.count() <= 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("first", "second"), [*permutations(["accept", "decline", "withdraw"], 2), ("accept", "accept")]
)
def test_a_request_gets_one_answer(alice, carol, first, second):
    waiting = FriendRequest.objects.get()

    def act(name: str) -> Act:
        api = Api(carol if name == "withdraw" else alice)
        return lambda: api.post(f"friends/requests/{waiting.pk}/{name}/")

    statuses = at_once(act(first), act(second))
    assert sorted(statuses) == [200, 404]
    winner = (first, second)[statuses.index(200)]
    assert Friendship.objects.count() == (2 if winner == "accept" else 0)
    assert not FriendRequest.objects.exists()
    assert is_whole()


@pytest.mark.django_db(transaction=True)
def test_a_friendship_ends_once_and_nothing_is_sent_after_it(alice, bob):
    one, other, api = Api(alice), Api(bob), Api(bob)
    remove = lambda: one.post("friends/bob/remove/")  # noqa: E731
    statuses = at_once(
        remove,
        lambda: other.post("friends/alice/remove/"),
        lambda: api.say("alice", "1"),
        lambda: Api(bob).say("alice", "2"),
    )
    assert set(statuses[:2]) <= {200, 404}
    assert 200 in statuses[:2]
    assert Message.objects.count() == statuses[2:].count(201)
    assert not Friendship.objects.exists()
    assert error_of(api.say("alice", "3")) == (404, "not_found")
    assert is_whole()


@pytest.mark.django_db(transaction=True)
def test_blocking_in_two_tabs_is_one_block(alice, bob):
    tabs = [Api(alice) for _tab in range(4)]
    statuses = at_once(*[lambda tab=tab: tab.post("friends/bob/block/") for tab in tabs])
    assert statuses == [200] * 4
    assert Block.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_asks_twice_at_once_has_asked_once(alice, mallory):
    tabs = [Api(mallory) for _tab in range(4)]
    statuses = at_once(
        *[lambda tab=tab: tab.post("friends/requests/", username="alice") for tab in tabs]
    )
    assert sorted(statuses) == [201, 409, 409, 409]
    assert FriendRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_report_reading_leave_the_later_place(alice, bob):
    ids = [Api(bob).say("alice", f"{n}").json()["message"]["id"] for n in range(6)]
    tabs = [(Api(alice), up_to) for up_to in ids]
    statuses = at_once(
        *[
            lambda tab=tab, up_to=up_to: tab.post("conversations/bob/read/", up_to=up_to)
            for tab, up_to in tabs
        ]
    )
    assert statuses == [200] * 6
    assert Membership.objects.get(user=alice).last_read == ids[-1]
    assert Api(alice).unread() == {}


# Somebody else acts between the look and the act: here in the very middle.


@pytest.fixture
def lose(monkeypatch) -> Callable[[str, Act], None]:
    """Let something happen as soon as a function of `access` has returned."""

    def arm(name: str, act: Act) -> None:
        fetch = getattr(access, name)

        def fetch_and_lose(user: User, *args: Any) -> Any:
            found = fetch(user, *args)
            act()
            return found

        monkeypatch.setattr(access, name, fetch_and_lose)

    return arm


@pytest.mark.parametrize("act", ["remark", "remove"])
def test_an_act_on_a_friend_who_is_none_any_more(alice, bob, lose, act):
    lose("get_friendship", lambda: Friendship.objects.all().delete())
    page = Client()
    page.force_login(alice)
    assert page.post(f"/contacts/bob/{act}/", {"remark": "x"}).status_code in (302, 404)


def test_a_remark_on_a_friend_who_is_none_any_more_is_not_found(alice, bob, lose):
    lose("get_friendship", lambda: Friendship.objects.all().delete())
    answer = Api(alice).post("friends/bob/remark/", remark="x")
    assert error_of(answer) == (404, "not_found")


@pytest.mark.parametrize("act", ["accept", "decline"])
def test_an_answer_to_a_request_that_no_longer_waits(alice, carol, lose, act):
    waiting = FriendRequest.objects.get()
    lose("get_received", lambda: FriendRequest.objects.all().delete())
    page = Client(headers={"accept-language": "en"})
    page.force_login(alice)
    answer = page.post(f"/contacts/requests/{waiting.pk}/{act}/", follow=True)
    assert "This request no longer waits." in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_request_of_somebody_who_is_gone_cannot_be_accepted(alice, carol):
    waiting = FriendRequest.objects.select_related("sender", "recipient").get()
    carol.delete()
    with pytest.raises(ValidationError):
        services.accept(request=waiting)
    assert not Friendship.objects.exists()


@pytest.mark.django_db(transaction=True)  # foreign keys are checked at the commit
def test_somebody_who_is_gone_cannot_be_blocked(alice, bob, lose):
    lose("get_blockable", lambda: User.objects.filter(username="bob").delete())
    assert error_of(Api(alice).post("friends/bob/block/")) == (404, "not_found")
    assert not Block.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_page_of_somebody_who_goes_says_why_not(alice, bob, lose):
    lose("get_blockable", lambda: User.objects.filter(username="bob").delete())
    page = Client(headers={"accept-language": "en"})
    page.force_login(alice)
    answer = page.post("/contacts/bob/block/", follow=True)
    assert answer.redirect_chain == [("/contacts/", 302)]
    assert "There is no user of this name." in answer.content.decode()
