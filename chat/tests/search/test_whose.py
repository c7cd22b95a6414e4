"""Everybody finds their own messages, and nothing else."""

from __future__ import annotations

import pytest
from django.utils import timezone

from chat.models import Message
from chat.search.index import build_all
from friends.services import block
from tests.cast import Api, befriend, make_user, say

from .conftest import fill, names, search, texts


def test_the_words_of_others_are_not_found(alice, bob, mallory):
    dora = make_user("dora")
    befriend(dora, mallory)
    say(dora, mallory, "秘密花园")
    assert texts(dora, "秘密") == ["秘密花园"]
    assert texts(alice, "秘密") == []
    assert names(alice, "dora") == []


def test_an_ex_friend_finds_nothing_until_they_are_friends_again(alice, bob, index):
    say(alice, bob, "秘密花园")
    Api(alice).post("friends/bob/remove/")
    for user in (alice, bob):
        assert search(user, "秘密") == {"friends": [], "messages": [], "more": False}
    assert names(alice, "bob") == []
    befriend(bob, alice)
    assert texts(alice, "秘密") == texts(bob, "秘密") == ["秘密花园"]


def test_a_block_leaves_both_what_they_have(alice, bob):
    say(alice, bob, "秘密花园")
    block(owner=alice, target=bob)
    assert texts(alice, "秘密") == texts(bob, "秘密") == ["秘密花园"]
    [friend] = search(alice, "bob")["friends"]
    assert friend["blocked"] is True
    assert search(bob, "alice")["friends"][0]["blocked"] is False


def test_what_one_has_hidden_the_other_still_finds(alice, bob, index):
    message = say(alice, bob, "秘密花园")
    assert Api(bob).post(f"messages/{message.id}/hide/").status_code == 200
    assert texts(bob, "秘密") == []
    assert texts(alice, "秘密") == ["秘密花园"]
    Api(alice).post("conversations/bob/hide/", on=True)
    assert texts(alice, "秘密") == texts(alice, "消息") == []
    say(bob, alice, "秘密来信")
    assert texts(alice, "秘密") == ["秘密来信"]
    assert texts(bob, "消息", limit=1)


@pytest.mark.parametrize("typed", ["秘密", "花园 秘密", "密"])
@pytest.mark.parametrize("is_indexed", [True, False])
def test_what_was_recalled_or_removed_is_found_by_nobody(alice, bob, typed, is_indexed):
    recalled, removed = say(alice, bob, "秘密花园 一"), say(alice, bob, "秘密花园 二")
    fill(alice, bob, 300)
    if is_indexed:
        build_all()
    assert len(texts(bob, typed)) == 2
    assert Api(alice).post(f"messages/{recalled.id}/recall/").status_code == 200
    Message.objects.filter(pk=removed.id).update(removed_at=timezone.now())
    for user in (alice, bob):
        assert texts(user, typed) == []
