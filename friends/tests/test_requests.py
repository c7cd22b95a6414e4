from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from chat.models import Conversation
from friends.models import FriendRequest, Friendship
from tests.cast import Api, befriend, error_of, make_user


def page_of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def ask(user: User, username: str, note: str = "") -> FriendRequest:
    answer = Api(user).post("friends/requests/", username=username, note=note)
    return FriendRequest.objects.get(pk=answer.json()["request"]["id"])


def test_a_request_is_seen_by_both_and_by_nobody_else(alice, bob, carol, mallory):
    answer = Api(mallory).post("friends/requests/", username="ALICE", note=" 同学 ")
    assert answer.status_code == 201
    request = answer.json()["request"]
    assert set(request) == {"id", "username", "note", "time"}
    assert (request["username"], request["note"]) == ("alice", "同学")
    assert Api(mallory).get("friends/requests/").json() == {"received": [], "sent": [request]}
    received = Api(alice).get("friends/requests/").json()["received"]
    assert {r["username"] for r in received} == {"carol", "mallory"}
    assert Api(bob).get("friends/requests/").json() == {"received": [], "sent": []}


REFUSALS = [
    ("alice", 400, "self", "You cannot add yourself."),
    ("nobody", 404, "not_found", "There is no user of this name."),
    ("../evil", 404, "not_found", "There is no user of this name."),
    ("Bob", 409, "already_friends", "You are friends already."),
    ("mallory", 409, "already_asked", "You have asked already; please wait for the answer."),
]


@pytest.mark.parametrize(("username", "status", "code", "sentence"), REFUSALS)
def test_page_and_api_refuse_alike(alice, bob, mallory, username, status, code, sentence):
    ask(alice, "mallory")
    rows = FriendRequest.objects.count()
    answer = Api(alice).post("friends/requests/", username=username, note="你好")
    assert error_of(answer) == (status, code)

    page = page_of(alice).post("/contacts/requests/", {"username": username, "note": "你好"})
    assert page.status_code == 422
    assert page.context["form"].errors["username"] == [sentence]
    content = page.content.decode()
    assert f'value="{username}"' in content
    assert 'value="你好"' in content
    assert FriendRequest.objects.count() == rows


def test_a_plain_form_asks_accepts_declines_and_withdraws(alice, mallory):
    def go(user: User, path: str, **data: str) -> None:
        assert page_of(user).post(path, data).status_code == 302

    def waiting() -> int:
        return FriendRequest.objects.get().pk

    go(alice, "/contacts/requests/", username="mallory", note="")
    go(alice, f"/contacts/requests/{waiting()}/withdraw/")
    go(alice, "/contacts/requests/", username="mallory", note="")
    go(mallory, f"/contacts/requests/{waiting()}/decline/")
    go(alice, "/contacts/requests/", username="mallory", note="")
    go(mallory, f"/contacts/requests/{waiting()}/accept/")
    assert not FriendRequest.objects.exists()
    assert Api(alice).friend_names() == ["mallory"]
    assert Api(mallory).friend_names() == ["alice"]


@pytest.mark.parametrize("note", ["字" * 51, "a\x00b", "a\x07b"])
def test_a_note_that_cannot_be_is_refused_with_everything_typed(alice, mallory, note):
    answer = Api(alice).post("friends/requests/", username="mallory", note=note)
    assert answer.status_code == 400
    page = page_of(alice).post("/contacts/requests/", {"username": "mallory", "note": note})
    assert page.status_code == 422
    assert 'value="mallory"' in page.content.decode()
    assert not FriendRequest.objects.exists()


@pytest.mark.parametrize(
    "data", [{}, {"username": 7}, {"username": ["bob"]}, {"username": "bob", "note": {}}]
)
def test_fields_that_are_no_texts_are_refused(alice, bob, data):
    assert error_of(Api(alice).post("friends/requests/", **data)) == (400, "invalid")


def test_crossing_requests_become_one_friendship(alice, mallory):
    ask(alice, "mallory")
    answer = Api(mallory).post("friends/requests/", username="alice")
    assert answer.status_code == 200
    friend = {"username": "alice", "remark": "", "blocked": False, "avatar": None}
    assert answer.json() == {"friend": friend}
    assert not FriendRequest.objects.exists()
    assert Friendship.objects.count() == 2
    assert Conversation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_requests_that_cross_in_the_same_moment_become_one_friendship():
    pairs = [(make_user(f"left{i}"), make_user(f"right{i}")) for i in range(6)]

    def go(sender: User, recipient: User) -> int:
        try:
            return Api(sender).post("friends/requests/", username=recipient.username).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        for left, right in pairs:
            first, second = threads.submit(go, left, right), threads.submit(go, right, left)
            assert sorted([first.result(), second.result()]) == [200, 201]
    assert not FriendRequest.objects.exists()
    assert Friendship.objects.count() == 2 * len(pairs)


def test_another_persons_request_does_not_exist(alice, carol, mallory):
    waiting = FriendRequest.objects.get()
    for user, act in [
        (mallory, "accept"),
        (mallory, "decline"),
        (mallory, "withdraw"),
        (carol, "accept"),
        (carol, "decline"),
        (alice, "withdraw"),
    ]:
        assert error_of(Api(user).post(f"friends/requests/{waiting.pk}/{act}/")) == (
            404,
            "not_found",
        )
        assert page_of(user).post(f"/contacts/requests/{waiting.pk}/{act}/").status_code == 404
    assert error_of(Api(alice).post(f"friends/requests/{2**70}/accept/")) == (404, "not_found")
    assert FriendRequest.objects.filter(pk=waiting.pk).exists()


def test_a_request_can_be_accepted_once(alice, carol):
    waiting = FriendRequest.objects.get()
    first = Api(alice).post(f"friends/requests/{waiting.pk}/accept/")
    friend = {"username": "carol", "remark": "", "blocked": False, "avatar": None}
    assert first.json() == {"friend": friend}
    assert error_of(Api(alice).post(f"friends/requests/{waiting.pk}/accept/")) == (404, "not_found")


def test_who_is_not_active_is_nobody(alice, mallory):
    User.objects.filter(pk=mallory.pk).update(is_active=False)
    answer = Api(alice).post("friends/requests/", username="mallory")
    assert error_of(answer) == (404, "not_found")


@pytest.mark.parametrize("act", ["accept", "decline", "withdraw"])
def test_looking_is_not_answering(alice, carol, act):
    waiting = FriendRequest.objects.get()
    assert page_of(alice).get(f"/contacts/requests/{waiting.pk}/{act}/").status_code == 405
    assert FriendRequest.objects.filter(pk=waiting.pk).exists()


def test_friends_stay_when_someone_else_goes(alice, bob, mallory):
    befriend(alice, mallory)
    mallory.delete()
    assert Api(alice).friend_names() == ["bob"]
