"""The import of the Flask program's people, with their names and friends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone

from accounts.models import OldName, RetiredUsername, User
from chat.models import Message
from friends.models import FriendRequest, Friendship
from tests.cast import make_user

from ..legacy import v1, v3
from .conftest import UTC_MINUTE, accounted, codes, lost, names, texts, tree_v1, tree_v3

# Names and people


def test_what_a_renamed_person_left_under_the_old_name_can_be_given_back(old):
    old.write("friends/alice.json", ["bobby"])
    old.write("messages/alice_bobby.json", [v3("bobby", "hi", f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    assert lost(report) == {"bobby": "ghost"}
    assert (report["lost"][0]["friendships"], report["lost"][0]["messages"]) == (1, 1)
    report, _printed = old.run("--rename", "bobby=bob")
    assert accounted(report)["messages"] == [1, 1, 0, 0]
    assert texts("alice", "bob") == ["hi"]


@pytest.mark.parametrize(
    "renames",
    [["alice=a b"], ["alice=admin"], ["nobody=new"], ["alice"], ["=x"], ["alice=x1", "alice=x2"]],
)
def test_a_rename_that_cannot_be_done_is_refused_at_once(old, renames):
    with pytest.raises(CommandError):
        old.run(*[word for each in renames for word in ("--rename", each)])
    assert not User.objects.exists()


def test_an_account_of_that_name_gets_the_old_friends_and_keeps_its_password(old):
    make_user("alice")
    tree_v1(old)
    report, _printed = old.run()
    assert accounted(report)["users"] == [4, 3, 1, 0]
    assert not Client().login(username="alice", password="alice-pw")
    assert texts("alice", "bob")[:1] == ["你好，Bob"]


def test_an_address_is_not_shared_with_a_file_that_is_nobodys(old):
    for name in ("dora", "emil"):
        old.users(name, email=f"{name}@example.com")
    old.write("users/evil.json", {"username": "../evil", "email": "dora@example.com"})
    old.write("users/evil2.json", {"username": "../evil", "email": "emil@example.com"})
    old.run("--trust-mail")
    assert User.objects.get(username="dora").email == "dora@example.com"
    assert User.objects.get(username="emil").email == "emil@example.com"


def test_a_file_that_holds_the_name_of_another_in_another_case_is_a_twin(old):
    """As where a system without case and one with it were put together."""
    old.users("zed")
    old.write("users/Zed.json", {"username": "zed", "password": "Zed-pw"})
    old.write("messages/alice_zed.json", [v1("zed", "hi", 1760674268.0)])
    report, _printed = old.run()
    assert names(report) == {"Zed": ("zed2", "twin")}
    assert Message.objects.get().sender.username == "zed"
    assert Client().login(username="zed", password="zed-pw")
    assert Client().login(username="zed2", password="Zed-pw")


def test_a_name_that_nobody_verified_is_no_account(old):
    now = timezone.now()
    for name, since in [("alice", now - timedelta(days=2)), ("bob", now)]:
        User.objects.create(username=name, username_key=name, unverified_since=since)
    report, _printed = old.run()
    assert accounted(report)["users"] == [4, 3, 0, 1]
    assert lost(report) == {"bob": "registering"}
    assert report["renames"] == {"bob": "bob2"}
    assert Client().login(username="alice", password="alice-pw")


def test_addresses_count_only_when_they_are_trusted(old):
    old.users("alice", email="Alice@Example.com")
    old.users("bob", email="bob@")
    old.users("carol", "王伟", email="both@example.com")
    report, _printed = old.run()
    assert User.objects.exclude(email="").count() == 0
    assert report["users"]["imported"] == 4
    User.objects.all().delete()
    OldName.objects.all().delete()
    RetiredUsername.objects.all().delete()
    User.objects.create(username="mallory", username_key="mallory", email="dora@example.com")
    old.users("dora", email="dora@example.com")
    report, _printed = old.run("--trust-mail", "--rename", "alice=alice2", "--rename", "bob=bob2")
    report, _printed = old.run("--trust-mail")
    assert set(codes(report, "emails")) == {"bob", "carol", "王伟"}


def test_a_trusted_address_is_somebodys_own(old):
    old.users("alice", email="Alice@Example.com")
    old.users("bob", email="taken@example.com")
    User.objects.create(username="mallory", username_key="mallory", email="taken@example.com")
    report, _printed = old.run("--trust-mail")
    assert User.objects.get(username="alice").email == "alice@example.com"
    assert User.objects.get(username="bob").email == ""
    assert set(codes(report, "emails")) == {"bob"}


def test_who_has_no_password_gets_none(old):
    old.write("users/dora.json", {"username": "dora"})
    old.write("users/emil.json", {"username": "emil", "password": ""})
    report, _printed = old.run()
    assert set(codes(report, "passwords")) == {"dora", "emil"}
    assert not User.objects.get(username="dora").has_usable_password()
    assert not Client().login(username="emil", password="")


# Friends


def test_one_list_and_messages_make_friends_and_one_list_alone_does_not(old):
    old.write("friends/alice.json", ["bob", "carol", "alice", "ghost"])
    old.write("messages/alice_bob.json", [v3("bob", "hi", f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    assert accounted(report)["friendships"] == [4, 1, 0, 3]
    assert codes(report, "friendships") == {"alice, carol": "one_sided", "alice": "oneself"}
    assert lost(report) == {"ghost": "ghost"}
    assert Friendship.objects.count() == 2


def test_what_people_wrote_who_are_no_friends_waits_until_they_are(old):
    old.write("messages/alice_bob.json", [v3("bob", "hi", f"{UTC_MINUTE}:00Z")])
    report, _printed = old.run()
    assert accounted(report)["messages"] == [1, 1, 0, 0]
    assert not Friendship.objects.exists()
    assert Message.objects.count() == 1


def test_remarks_come_over_and_long_ones_are_cut(old):
    tree_v3(old)
    old.write("friends_remarks/王伟.json", {"alice": "很" * 20})
    report, _printed = old.run()
    assert Friendship.objects.get(owner__username="alice", friend__username="bob").remark == "小波"
    assert Friendship.objects.get(owner__username="王伟").remark == "很" * 16
    assert codes(report, "remarks")


def test_requests_that_wait_no_more_or_cross_are_reported(old):
    old.write("friends/alice.json", ["bob"])
    old.write("friends/bob.json", ["alice"])
    old.write("requests/alice.json", ["bob", "carol", "ghost", "alice"])
    old.write("requests/carol.json", ["alice"])
    old.write("requests/to_王伟.json", [{"from": "bob", "status": "rejected"}])
    report, _printed = old.run()
    assert accounted(report)["requests"] == [6, 1, 0, 5]
    assert FriendRequest.objects.count() == 1
