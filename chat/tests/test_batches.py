"""Batches of drafts in one transaction: each gets its own answer, whatever the others get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from accounts.models import User
from chat.models import Conversation, Event, Message
from chat.presentation import (
    AttachmentView,
    MessageView,
    QuoteView,
    encode,
    encode_message,
)
from chat.sending import posting
from chat.sending.drafts import Draft
from friends.models import Friendship
from friends.services import block
from tests.cast import Api, befriend, make_user

ROWS = 700  # more than fit into one statement


def draft(sender: User, to: str, text: str, client_id: object = None) -> Draft:
    return Draft.parse(sender.pk, to=to, text=text, client_id=str(client_id or uuid4()))


def test_a_batch_larger_than_a_statement_keeps_its_order(alice, bob, settings):
    settings.SEND_RATE = None
    people = [alice, bob]
    drafts = [
        draft(people[number % 2], people[1 - number % 2].username, f"{number}")
        for number in range(ROWS)
    ]
    posted = posting.post_messages(drafts)
    assert [each.message.text for each in posted] == [f"{number}" for number in range(ROWS)]
    ids = [each.message.id for each in posted]
    assert ids == sorted(set(ids))
    event_ids = [each.event_id for each in posted]
    assert event_ids == sorted(set(event_ids))

    stored = Message.objects.order_by("id").values_list("id", "text", "sender", "client_id")
    assert [(pk, text, sender) for pk, text, sender, _client_id in stored] == [
        (each.message.id, each.message.text, each.sender_id) for each in posted
    ]
    assert [str(row[3]) for row in stored] == [str(each.client_id) for each in drafts]
    told = Event.objects.filter(kind="message").order_by("id").values_list("id", "message")
    assert list(told) == list(zip(event_ids, ids, strict=True))


def test_what_a_batch_answers_is_what_the_database_holds(alice, bob):
    """The answer is not read back, so types and times must match, too."""
    [posted] = posting.post_messages([draft(alice, "bob", "你好 👩‍👩‍👧‍👦")])
    for api, friend, told in [
        (Api(alice), "bob", posted.for_sender),
        (Api(bob), "alice", posted.for_recipient),
    ]:
        [message] = api.get(f"conversations/{friend}/messages/").json()["messages"]
        assert message == json.loads(told)
    [event] = Api(bob).get("events/", after=posted.event_id - 1).json()["events"]
    assert event == {
        "id": posted.event_id, "kind": "message", "message": json.loads(posted.for_recipient),
    }  # fmt: skip


@pytest.mark.parametrize("state", ["sent", "recalled", "removed"])
@pytest.mark.parametrize("quote", [None, QuoteView(3, "bob", '„"\\\n😀', "sent")])
@pytest.mark.parametrize(
    "attachment", [None, AttachmentView("/a/1/", "年表.png", "image/png", "picture", 7)]
)
def test_a_message_as_text_is_its_json(state, quote, attachment):
    text = "\u2028 </script> \"'\\ \t\n 你好 👩‍👩‍👧" if state == "sent" and not attachment else None
    message = MessageView(
        id=7,
        with_='b"ob',
        sender="al\\ice",
        mine=True,
        text=text,
        sent_at=timezone.now().replace(microsecond=0),
        client_id=str(uuid4()),
        state=state,
        quote=quote,
        attachment=attachment,
    )
    whole = message.as_json()
    whole_in_order = {"with": whole.pop("with")} | whole
    assert '{"with":"b\\"ob",' + encode_message(message) == encode(whole_in_order)


def test_every_way_to_fail_stands_beside_what_succeeds(alice, bob, carol, mallory, settings):
    settings.SEND_RATE = None
    dora, emil, gone = make_user("dora"), make_user("emil"), make_user("gone")
    for friend in (dora, emil, gone):
        befriend(alice, friend)
    block(owner=dora, target=alice)
    gone_draft = draft(gone, "alice", "from nobody")
    gone.delete()
    User.objects.filter(pk=emil.pk).update(is_active=False)
    first, second = uuid4(), uuid4()
    posting.post_message(draft(alice, "bob", "stands", first))
    answers = {
        draft(alice, "bob", "stands", first): "again",
        draft(alice, "bob", "other", first): "duplicate_id",
        draft(bob, "alice", "another's id is free", first): "posted",
        draft(alice, "bob", "twice", second): "posted",
        draft(alice, "ＢＯＢ", "twice", second): "again",
        draft(alice, "bob", "twice, but not the same", second): "duplicate_id",
        draft(alice, "dora", "refused"): "blocked",
        draft(dora, "alice", "refusing"): "blocked",
        draft(alice, "carol", "only asked"): "not_found",
        draft(alice, "mallory", "a stranger"): "not_found",
        draft(alice, "alice", "oneself"): "not_found",
        draft(alice, "nobody", "nobody"): "not_found",
        draft(alice, "b' OR 1=1 --", "nobody"): "not_found",
        gone_draft: "not_found",
        draft(emil, "alice", "banned"): "not_found",
        draft(bob, "alice", "last"): "posted",
    }
    found = []
    for outcome in posting.post_messages(list(answers)):
        if isinstance(outcome, ValidationError):
            found.append(outcome.code)
        else:
            found.append("posted" if outcome.is_new else "again")
    assert found == list(answers.values())
    assert Message.objects.count() == 1 + found.count("posted")
    assert Event.objects.filter(kind="message").count() == Message.objects.count()


def test_a_friendship_whose_conversation_is_missing_gets_one(alice, bob):
    Conversation.objects.all().delete()
    assert Friendship.objects.exists()
    both = posting.post_messages([draft(alice, "bob", "1"), draft(bob, "alice", "2")])
    assert [each.is_new for each in both] == [True, True]
    assert Conversation.objects.count() == 1
    assert Api(alice).texts("bob") == Api(bob).texts("alice") == ["1", "2"]


@pytest.fixture
def statements(db) -> Iterator[list[str]]:
    """Collect what the database is asked to do, whichever way, but for the savepoint."""
    asked: list[str] = []

    def note(statement: str) -> None:
        # One is told of again for each trigger that it fires.
        if not statement.startswith(("SAVEPOINT", "RELEASE")) and statement not in asked:
            asked.append(statement)

    connection.ensure_connection()
    connection.connection.set_trace_callback(note)
    yield asked
    connection.connection.set_trace_callback(None)


def test_an_empty_batch_asks_nothing(statements):
    assert posting.post_messages([]) == []
    assert statements == []


@pytest.mark.parametrize("size", [1, 50])
@pytest.mark.parametrize(("rate", "most"), [(None, 3), ((100, 10), 4)])
def test_a_batch_costs_the_same_statements_whatever_its_size(
    alice, bob, carol, size, rate, most, settings, statements
):
    settings.SEND_RATE = rate
    befriend(bob, carol)
    people = [(alice, "bob"), (bob, "carol"), (carol, "bob")]
    drafts = [draft(*people[number % 3], f"{number}") for number in range(size)]
    posting.post_messages(drafts[:3])  # makes conversations
    statements.clear()
    posting.post_messages([draft(*people[number % 3], f"{number}") for number in range(size)])
    assert len(statements) == most, statements
