"""Messages read in the Flask program are read here."""

from __future__ import annotations

import pytest

from accounts.models import User
from chat.models import Conversation, Membership, Message
from tests.cast import Api

from .conftest import UTC_MINUTE, tree_v1, tree_v2, tree_v3, tree_v22

# Read marks


def unread(name: str) -> dict[str, int]:
    return Api(User.objects.get(username=name)).unread()


@pytest.mark.parametrize(
    ("build", "alice", "bob"),
    [
        (tree_v1, {}, {}),  # had no unread messages
        (tree_v2, {"bob": 2, "王伟": 1}, {}),
        (tree_v22, {"bob": 2, "王伟": 1}, {}),
        (tree_v3, {"bob": 2, "王伟": 1}, {}),
    ],
)
def test_marks_that_a_pair_shares_count_for_both(old, build, alice, bob):
    build(old)
    old.run()
    assert unread("alice") == alice
    assert unread("bob") == bob


def test_a_mark_of_ones_own_counts_for_oneself(old):
    tree_v3(old)
    old.write("last_read/alice_bob.txt", f"{UTC_MINUTE}:09.500000Z")
    old.write("last_read/bob_alice.txt", f"{UTC_MINUTE}:00.000000Z")
    old.run()
    assert unread("alice") == {"bob": 1, "王伟": 1}
    assert unread("bob") == {"alice": 1}


def test_a_minute_is_read_to_its_end(old):
    tree_v22(old)
    old.write("last_read/alice_bob.json", {"last_read_time": "2025-10-17 12:11"})
    old.run()
    assert "bob" not in unread("alice")


def test_all_read_means_the_cursor_stands_on_a_message_of_the_conversation(old):
    tree_v1(old)
    old.run()
    for membership in Membership.objects.all():
        newest = Message.objects.filter(conversation=membership.conversation).latest("id")
        assert membership.last_read == newest.pk
    assert Conversation.objects.count() == 2
