"""The index never hides a message that exists, and forgets deleted ones."""

from __future__ import annotations

import sqlite3
from importlib import import_module
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from accounts.services import delete_account
from chat.models import Conversation, Message, SearchFilter, SearchSegment
from chat.pruning import delete_messages
from chat.search import index
from chat.search.grams import blocks_that_may_hold, hash_text, make_filter, probes_of
from chat.search.index import Builder, build_all
from tests.cast import befriend, make_user, say
from webchat.base.text import searchable

from .conftest import fill, search, segments, texts


def holds(words):
    """Tell whether any filter may hold these words."""
    for segment in segments():
        rows = SearchFilter.objects.filter(segment=segment)
        parts = {part: bytes(bits) for part, bits in rows.values_list("part", "bits")}
        if parts and blocks_that_may_hold(parts, probes_of([words]), len(segment.ends)):
            return True
    return False


CHANGES = {
    "recalled": "UPDATE chat_message SET text = '', recalled_at = '2026-01-01' WHERE id = ?",
    "removed": "UPDATE chat_message SET removed_at = '2026-01-01' WHERE id = ?",
    "deleted": "DELETE FROM chat_message WHERE id = ?",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_any_connection_takes_the_words_out_at_once(alice, bob, change):
    message = say(alice, bob, "魑魅魍魉")
    fill(alice, bob, 300)
    build_all()
    assert holds("魑魅")
    with sqlite3.connect(connection.settings_dict["NAME"], timeout=5) as other:
        other.execute(CHANGES[change], [message.id])
    other.close()
    assert not holds("魑魅")
    assert not holds("消息")  # the whole segment is read itself until it is rebuilt
    assert len(texts(alice, "消息", limit=50)) == 50
    assert Builder().build(at_most=100) > 0
    assert not holds("魑魅")
    assert holds("消息")


def test_filters_of_unfolded_texts_are_made_again(alice, bob):
    said = say(alice, bob, "报名截止０６２７")
    fill(alice, bob, 300)
    build_all()
    assert segments()[0].through > said.id
    # Filters of unfolded texts: they know nothing of 0627.
    SearchFilter.objects.update(bits=bytes(128 * 15))
    assert texts(bob, "0627") == []
    import_module("chat.migrations.0013_folded_search").drop_filters(apps, None)
    assert texts(bob, "0627") == ["报名截止０６２７"]
    assert Builder().build(at_most=100) > 0
    assert holds("0627")
    assert texts(bob, "0627") == ["报名截止０６２７"]


def test_a_message_that_comes_in_between_is_found(alice, bob, index):
    [segment] = segments()
    Message.objects.filter(pk=segment.ends[0] - 5).delete()
    build_all()
    conversation = Conversation.objects.get()
    Message.objects.create(
        id=segment.ends[0] - 5,
        conversation=conversation,
        sender=alice,
        text="迟到的消息",
        client_id=uuid4(),
        digest=b"",
        sent_at=timezone.now(),
    )
    assert texts(bob, "迟到") == ["迟到的消息"]
    build_all()
    assert texts(bob, "迟到") == ["迟到的消息"]


def test_nothing_is_left_of_a_deleted_account(alice, bob, index):
    dora = make_user("dora")
    befriend(alice, dora)
    fill(alice, dora, 600)
    build_all()
    delete_account(user=bob)
    [segment] = segments()
    assert segment.conversation.other_id(alice.pk) == dora.pk
    delete_account(user=dora)
    assert segments() == []
    assert not SearchFilter.objects.exists()


def test_blocks_grow_with_the_conversation_and_reach_every_message(alice, bob):
    builder = Builder()
    for number in range(5):
        fill(alice, bob, 150, "在{n}，再写一条长一点的消息给你看看")
        builder.build(at_most=10**6)
        assert len(texts(bob, "在149", limit=50)) == number + 1
    total = Message.objects.count()
    found, before = 0, None
    while True:
        page = search(alice, "长一点", limit=50, **({"before": before} if before else {}))
        found += len(page["messages"])
        if not page["more"]:
            break
        before = page["messages"][-1]["message"]["id"]
    assert found == total


@pytest.mark.parametrize(("parts", "words"), [((200, 54, 1), "x"), ((40, 38, 1), "x" * 20)])
def test_a_conversation_is_hashed_when_it_may_fill_a_block(alice, bob, monkeypatch, parts, words):
    hashed = add_nothing(monkeypatch)
    builder, seen = Builder(), []
    for part in (1, *parts):
        fill(alice, bob, part, words)
        builder.build(at_most=100)
        seen.append(len(hashed))
    assert seen == [0, 0, 0, 1]


def test_words_that_repeat_themselves_are_hashed_again_after_as_many(alice, bob, monkeypatch):
    hashed = add_nothing(monkeypatch)
    builder, seen = Builder(), []
    for part in (80, 79, 1):
        fill(alice, bob, part, "x" * 20)
        builder.build(at_most=100)
        seen.append(len(hashed))
    assert seen == [1, 1, 2]


def test_a_conversation_that_is_not_in_memory_is_counted_again(alice, bob, monkeypatch):
    carol = make_user("carol")
    befriend(alice, carol)
    monkeypatch.setattr(index, "GROWING_AT_MOST", 1)
    hashed = add_nothing(monkeypatch)
    builder, seen = Builder(), []
    for part in (200, 55, 1):
        fill(alice, bob, part, "x")
        fill(alice, carol, part, "x")
        builder.build(at_most=100)
        seen.append(len(hashed))
    assert seen == [0, 0, 2]
    assert len(builder._growing) == 1


def add_nothing(monkeypatch):
    """Return the conversations that were read and hashed, of which none got a block."""
    hashed = []
    monkeypatch.setattr(index, "_add", lambda conversation, _segment: hashed.append(conversation))
    return hashed


def test_a_full_segment_is_followed_by_another(alice, bob):
    fill(alice, bob, 256 * 17, "x")
    build_all()
    assert [len(segment.ends) for segment in segments()] == [15, 2]
    assert build_all() == 0
    message = say(alice, bob, "y")
    assert texts(bob, "y") == ["y"]
    Message.objects.filter(pk=message.id - 1).update(text="z")
    assert texts(bob, "z") == ["z"]


def test_the_builder_makes_a_few_blocks_at_a_time(alice, bob):
    fill(alice, bob, 256 * 40, "x")
    builder = Builder()
    assert builder.build(at_most=2) == 15
    assert builder.build(at_most=100) == 25
    assert builder.build(at_most=100) == 0


def test_the_builder_comes_to_every_conversation_in_the_end(alice):
    friends = [make_user(f"freund{n}") for n in range(25)]
    for friend in friends:
        befriend(friend, alice)
        fill(alice, friend, 260, "x")
    builder = Builder()
    made = [builder.build(at_most=1000) for _second in range(6)]
    assert sum(made) == len(friends)
    assert max(made) < 15
    assert builder.is_idle


def test_a_conversation_is_indexed_when_asked_for_though_nobody_writes(alice):
    friends = [make_user(f"freund{n}") for n in range(5)]
    for friend in friends:
        befriend(friend, alice)
        fill(alice, friend, 260, "x")
    builder = Builder()
    assert builder.build(at_most=100) == 5
    for conversation in Conversation.objects.values_list("pk", flat=True):
        SearchSegment.objects.ask_for(conversation)
    assert len(texts(alice, "x", limit=5)) == 5
    made = [builder.build(at_most=2) for _second in range(8)]
    assert max(made) <= 3
    assert sum(made) == 5 + 5
    assert [len(segment.ends) for segment in segments()] == [1] * 5
    assert not SearchSegment.objects.spoiled().exists()


def test_what_was_asked_for_is_made_although_messages_go_before(alice, bob):
    fill(alice, bob, 300, "x")
    [conversation] = Conversation.objects.all()
    builder = Builder()
    assert builder.build(at_most=100) > 0
    SearchSegment.objects.ask_for(conversation.pk)
    delete_messages(list(Message.objects.order_by("id").values_list("pk", flat=True)[:10]))
    assert sum(builder.build(at_most=100) for _second in range(3)) > 0
    assert not SearchSegment.objects.spoiled().exists()
    assert len(segments()) == 1


def test_two_builders_make_one_index(alice, bob):
    """As with two workers: one has read messages, and the other indexes them before it writes."""
    fill(alice, bob, 300)
    one, other = Builder(), Builder()
    assert one.build(at_most=100) > 0
    before = [segment.ends for segment in segments()]
    assert other.build(at_most=100) == 0
    assert [segment.ends for segment in segments()] == before


def test_the_triggers_are_there_after_every_migration(db):
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM sqlite_master WHERE name LIKE 'chat!_search!_%' ESCAPE '!'"
            " AND type = 'trigger'"
        )
        assert cursor.fetchone() == (3,)
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone() == (1,)


@hypothesis(max_examples=200)
@given(st.text(max_size=60), st.integers(0, 60), st.integers(1, 12))
def test_a_filter_never_denies_what_a_text_holds(text, start, length):
    words = searchable(text)[start : start + length].split()
    made = make_filter(hash_text(text))
    assert blocks_that_may_hold(dict(enumerate(made)), probes_of(words), 1) == [0]


def test_a_filter_denies_most_of_what_is_not_there():
    made = make_filter(set().union(*(hash_text(f"第{n}条消息来自{n * 7}") for n in range(200))))
    wrong = [
        chr(n) + chr(n + 1)
        for n in range(0x5000, 0x5800, 2)
        if blocks_that_may_hold(dict(enumerate(made)), probes_of([chr(n) + chr(n + 1)]), 1)
    ]
    assert len(wrong) < 30
