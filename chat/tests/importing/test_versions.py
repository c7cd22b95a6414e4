"""The import of the data of every version of the Flask program."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Message
from friends.models import FriendRequest
from tests.cast import Api, say

from ..legacy import PNG, v1, v3, v22
from .conftest import (
    UTC_MINUTE,
    accounted,
    stored_files,
    tables,
    texts,
    tree_v1,
    tree_v2,
    tree_v3,
    tree_v22,
)

TREES = [tree_v1, tree_v2, tree_v22, tree_v3]


@pytest.mark.parametrize("build", TREES)
def test_every_version_comes_over_and_people_go_on(old, build):
    build(old)
    report, printed = old.run()
    assert accounted(report) == {
        "users": [4, 4, 0, 0],
        "friendships": [2, 2, 0, 0],
        "requests": [1, 1, 0, 0],
        "messages": [4, 4, 0, 0],
        "attachments": [1, 1, 0, 0],
    }
    assert texts("alice", "bob") == ["你好，Bob", "see you", ""]
    assert texts("王伟", "alice") == ["老师让你交报告 📎"]
    assert FriendRequest.objects.get().sender.username == "carol"
    [message] = Message.objects.filter(text="")
    assert message.attachment.path.read_bytes() == PNG
    assert message.attachment.mimetype == "image/png"
    for name in ("alice", "王伟"):
        assert Client().login(username=name, password=f"{name}-pw")
        assert not Client().login(username=name, password=f"{name}-pW")
    assert "-pw" not in printed
    assert f"{old.root}/users" in printed
    # A new message follows the old ones.
    say(User.objects.get(username="bob"), User.objects.get(username="alice"), "新的")
    assert texts("alice", "bob")[-1] == "新的"


@pytest.mark.parametrize("build", TREES)
def test_a_second_import_changes_nothing(old, build):
    build(old)
    first, _printed = old.run()
    before, stored = tables(), stored_files()
    second, _printed = old.run()
    assert tables() == before
    assert stored_files() == stored
    for kind, numbers in accounted(second).items():
        assert numbers == [first[kind]["found"], 0, first[kind]["found"], 0]


@pytest.mark.parametrize("build", TREES)
def test_a_dry_run_says_the_same_and_writes_nothing(old, build):
    build(old)
    before, stored = tables(), stored_files()
    dry, printed = old.run("--dry-run")
    assert "没有写入任何东西" in printed
    assert tables() == before
    assert stored_files() == stored
    in_earnest, _printed = old.run()
    assert dry == in_earnest


def test_times_stand_as_they_were_and_chats_are_in_the_order_of_their_last_message(old):
    tree_v1(old)
    old.run()
    first = Message.objects.get(text="你好，Bob")
    assert first.sent_at.timestamp() == pytest.approx(1760674268.328833)
    chats = Api(User.objects.get(username="alice")).get("conversations/").json()["conversations"]
    assert [chat["with"] for chat in chats] == ["bob", "王伟"]


def test_local_times_are_of_the_zone_that_is_said(old):
    tree_v22(old)
    old.run("--timezone", "UTC")
    assert Message.objects.get(text="see you").sent_at.hour == 12


def test_an_install_that_was_upgraded_in_place(old):
    """One file of three versions, its newer half in a second copy."""
    tree_v3(old)
    at = f"{UTC_MINUTE}:08.000000Z"
    new = [v3("alice", "四", at), v3("alice", "四", at), v3("bob", "五", f"{UTC_MINUTE}:09.5Z")]
    old.write(
        "messages/alice_bob.json",
        [v1("alice", "一", 1700000000.5), v22("bob", "二", "2025-01-01 08:00")]
        + [v22("bob", "三", "2025-01-01 08:00")]
        + new[1:],
    )
    old.write("messages/bob_alice.json", new)
    old.write("friends/alice_friends.json", ["bob", "bob"])
    report, _printed = old.run()
    assert texts("bob", "alice") == ["一", "二", "三", "四", "四", "五"]
    assert accounted(report)["messages"] == [7, 7, 0, 0]
    assert accounted(report)["friendships"] == [2, 2, 0, 0]
